import { constants } from 'node:fs';
import * as calls from './calls.ts';
import { toFileStat } from './file-stat.ts';
import { pathBelow } from './names.ts';
import { type FileNode, isSame } from './node.ts';

// include/uapi/asm-generic/fcntl.h; Node has no name for it.
export const O_PATH = 0o10000000;
const OPEN_DIRECTORY = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Descriptors of directories, so that a file is reached by its parent and its name, however deep it lies. */
export interface DirectoryCache {
  /** Runs `work` with a descriptor of the directory; undefined when it is at none of its known names. */
  use<T>(node: FileNode, work: (fd: number) => Promise<T>): Promise<T | undefined>;
  /** Closes what is kept of a directory that was removed. */
  drop(node: FileNode): void;
  closeAll(volume?: unknown): void;
}

interface Entry {
  fd: Promise<number | undefined>;
  users: number;
  dropped: boolean;
}

export function createDirectoryCache(maxOpen: number): DirectoryCache {
  /** The least recently used first. */
  const entries = new Map<FileNode, Entry>();

  const closeEntry = (entry: Entry): void => {
    if (entry.users > 0) return;
    entry.fd.then(
      (fd) => fd !== undefined && calls.close(fd),
      () => {},
    );
  };
  const drop = (node: FileNode): void => {
    const entry = entries.get(node);
    if (entry === undefined) return;
    entries.delete(node);
    entry.dropped = true;
    closeEntry(entry);
  };
  const makeRoom = (): void => {
    if (entries.size < maxOpen) return;
    for (const [node, entry] of entries) {
      if (entry.users > 0) continue;
      drop(node);
      return;
    }
  };

  const open = async (node: FileNode): Promise<number | undefined> => {
    for (const { parent, name } of [...node.links]) {
      const fd = await use(parent, (at) => openChecked(at, name, node));
      if (fd !== undefined) return fd;
    }
    return undefined;
  };

  async function use<T>(node: FileNode, work: (fd: number) => Promise<T>): Promise<T | undefined> {
    if (node === node.volume.root) return work(node.volume.rootFd);
    let entry = entries.get(node);
    if (entry === undefined) {
      makeRoom();
      entry = { fd: open(node), users: 0, dropped: false };
    } else {
      entries.delete(node);
    }
    entries.set(node, entry);
    entry.users += 1;
    try {
      // A failed open is not kept.
      const fd = await entry.fd.catch((error) => {
        drop(node);
        throw error;
      });
      if (fd !== undefined) return await work(fd);
    } finally {
      entry.users -= 1;
      if (entry.dropped) closeEntry(entry);
    }
    drop(node);
    return undefined;
  }

  return {
    use,
    drop,
    closeAll(volume) {
      for (const node of [...entries.keys()]) if (volume === undefined || node.volume === volume) drop(node);
    },
  };
}

/** Opens the directory `name` if it is the one that is looked for. */
async function openChecked(parentFd: number, name: string, node: FileNode): Promise<number | undefined> {
  let fd: number;
  try {
    fd = await calls.open(pathBelow(parentFd, name), OPEN_DIRECTORY);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
  try {
    if (isSame(node, toFileStat(await calls.fstat(fd)))) return fd;
  } catch (error) {
    calls.close(fd);
    throw error;
  }
  calls.close(fd);
  return undefined;
}

/** Nothing of that name is there, or nothing that could be what was looked for. */
export function isAbsence(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP';
}
