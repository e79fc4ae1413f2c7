import { constants } from 'node:fs';
import { fail, NFS4, type Status } from '../protocol/status.ts';
import { FileType } from '../protocol/types.ts';
import { statCached } from './cached.ts';
import * as calls from './calls.ts';
import { createDirectoryCache, isAbsence, O_PATH } from './directory-cache.ts';
import { type FileStat, toFileStat } from './file-stat.ts';
import { decodeHandle, volumeKeyOf } from './handles.ts';
import { createListings, type Listings } from './listing.ts';
import { pathBelow, pathOf } from './names.ts';
import { type FileNode, isDirectory, isSame } from './node.ts';
import { createOpenFiles, type OpenFiles } from './open-files.ts';
import { createVolume, type Volume } from './volume.ts';
import { walkVolume } from './walk.ts';

/** The files of all exports, by handle, node and name. */
export interface FileStore {
  readonly files: OpenFiles;
  readonly listings: Listings;
  /** Whether more exports are still to be added, so that one that is not there must be waited for. */
  awaitsExports: boolean;
  /** Ends with the status, or with DELAY while exports are awaited. */
  failForGood(status: Status): never;
  add(name: string, path: string, id: Buffer): Promise<Volume>;
  remove(volume: Volume): void;
  volumes(): Iterable<Volume>;
  findVolume(name: string): Volume | undefined;
  /** The file that a handle means. NFS4ERR_STALE when it is gone, DELAY when it is still looked for. */
  resolve(handle: Buffer): Promise<FileNode>;
  stat(node: FileNode): Promise<FileStat>;
  /** Of a file of the volume that is open as `fd`. */
  statOpen(volume: Volume, fd: number): Promise<FileStat>;
  /** Of what is at `name` in a directory of the volume that is open as `fd`. */
  statAt(volume: Volume, fd: number, name: string): Promise<FileStat>;
  /** What is at `name` in the directory, looked at now. */
  lookup(directory: FileNode, name: string): Promise<{ node: FileNode; stat: FileStat }>;
  /** Runs `work` with a descriptor of the directory. */
  inDirectory<T>(directory: FileNode, work: (fd: number) => Promise<T>): Promise<T>;
  /** Runs `work` with a descriptor, O_PATH or better, of the very file. Not for symbolic links. */
  pin<T>(node: FileNode, work: (fd: number) => Promise<T>): Promise<T>;
  /** Runs `work` where a name of the file is, which was just checked. */
  atName<T>(node: FileNode, work: (directoryFd: number, name: string) => Promise<T>): Promise<T>;
  /** Closes what is only kept of a directory that was removed. */
  forgetDescriptors(node: FileNode): void;
  /** A symbolic link's target, one character a byte. */
  readLink(node: FileNode): Promise<string>;
  close(): void;
}

export interface StoreLimits {
  maxNodes: number;
  maxDirectoryFds: number;
  maxListedNames: number;
  walkWaitMs: number;
}

/** linux/magic.h: ext4, XFS, btrfs, tmpfs, f2fs. */
const LOCAL = [0xef53n, 0x58465342n, 0x9123683en, 0x01021994n, 0xf2f52010n];

/** A walk that found nothing new is not repeated before so many times its own duration have gone by. */
const WALK_REST = 10;

export function createFileStore(limits: StoreLimits, now: () => number): FileStore {
  const volumes = new Map<string, Volume>();
  const directories = createDirectoryCache(limits.maxDirectoryFds);
  const walks = new Map<Volume, { running: Promise<void> | undefined; restUntil: number }>();

  /** Looks the whole volume over, unless that was done just now: then whoever asks must ask again. */
  const walk = async (volume: Volume): Promise<void> => {
    const state = walks.get(volume) ?? { running: undefined, restUntil: Number.NEGATIVE_INFINITY };
    walks.set(volume, state);
    if (state.running === undefined) {
      if (now() < state.restUntil) fail(NFS4.ERR_DELAY);
      const startMs = now();
      state.running = walkVolume(volume, directories).finally(() => {
        state.running = undefined;
        state.restUntil = now() + (now() - startMs) * WALK_REST;
      });
    }
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), limits.walkWaitMs);
    });
    const outcome = await Promise.race([state.running, tooLong]).finally(() => clearTimeout(timer));
    if (outcome === 'late') fail(NFS4.ERR_DELAY);
  };

  /** The first of the node's names at which it still is; the others are forgotten on the way. */
  const tryNames = async <T>(
    node: FileNode,
    work: (directoryFd: number, name: string) => Promise<T | undefined>,
  ): Promise<T | undefined> => {
    for (const { parent, name } of [...node.links]) {
      const found = await directories.use(parent, async (fd) => {
        try {
          return { value: await work(fd, name) };
        } catch (error) {
          if (isAbsence(error)) return undefined;
          throw error;
        }
      });
      if (found?.value !== undefined) return found.value;
    }
    return undefined;
  };

  /** As `tryNames`, and again after a walk: somebody may have renamed the file behind our back. */
  const locate = async <T>(
    node: FileNode,
    work: (directoryFd: number, name: string) => Promise<T | undefined>,
  ): Promise<T> => {
    if (node.volume.removed) fail(NFS4.ERR_STALE);
    const found = await tryNames(node, work);
    if (found !== undefined) return found;
    if (node.links.length > 0 || node.mayBeElsewhere) {
      node.links = [];
      node.mayBeElsewhere = true;
      await walk(node.volume);
      const again = await tryNames(node, work);
      if (again !== undefined) return again;
      node.mayBeElsewhere = false;
    }
    node.links = [];
    if (node.state === undefined) node.volume.forget(node);
    return fail(NFS4.ERR_STALE);
  };

  const statIfSame =
    (node: FileNode) =>
    async (fd: number, name: string): Promise<FileStat | undefined> => {
      const stat = await store.statAt(node.volume, fd, name);
      return isSame(node, stat) ? stat : undefined;
    };

  const openChecked =
    (node: FileNode, flags: number) =>
    async (directoryFd: number, name: string): Promise<number | undefined> => {
      const fd = await calls.open(pathBelow(directoryFd, name), flags);
      const stat = await calls.fstat(fd).catch((error) => {
        calls.close(fd);
        throw error;
      });
      if (isSame(node, toFileStat(stat))) return fd;
      calls.close(fd);
      return undefined;
    };

  /** Whether the file is open anyway; then that works even when its name is gone. */
  const usesDescriptor = (node: FileNode): boolean => node.writer !== undefined || node.reader !== undefined;
  const withDescriptor = async <T>(node: FileNode, work: (fd: number) => Promise<T>): Promise<T> => {
    const file = await store.files.acquire(node, node.writer === undefined ? 'read' : 'write');
    try {
      return await work(file.fd);
    } finally {
      store.files.release(node, file);
    }
  };

  const store: FileStore = {
    files: createOpenFiles((node, flags) => locate(node, openChecked(node, flags))),
    listings: createListings(limits.maxListedNames, now),
    awaitsExports: false,
    failForGood: (status) => fail(store.awaitsExports ? NFS4.ERR_DELAY : status),
    volumes: () => volumes.values(),
    findVolume: (name) => [...volumes.values()].find((volume) => volume.name === name),

    async add(name, path, id) {
      const rootFd = await calls.open(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      const rootStat = toFileStat(await calls.fstat(rootFd));
      const { type } = await calls.statfs(pathOf(rootFd));
      const isLocal = LOCAL.includes(type);
      const volume = createVolume({ id, name, rootFd, rootStat, isLocal, maxNodes: limits.maxNodes });
      volumes.set(volumeKeyOf(id), volume);
      return volume;
    },

    remove(volume) {
      volumes.delete(volume.key);
      volume.removed = true;
      directories.closeAll(volume);
      calls.close(volume.rootFd);
    },

    async resolve(handle) {
      const { volumeKey, ino, birthNs } = decodeHandle(handle);
      const volume = volumes.get(volumeKey);
      if (volume === undefined) return store.failForGood(NFS4.ERR_STALE);
      const known = volume.find(ino, birthNs);
      if (known !== undefined) return known;
      const walked = walks.get(volume);
      // After a walk everything that a client can have a handle of is known.
      if (walked !== undefined && walked.running === undefined && !volume.isPartial) fail(NFS4.ERR_STALE);
      await walk(volume);
      return volume.find(ino, birthNs) ?? fail(NFS4.ERR_STALE);
    },

    async stat(node) {
      if (node.volume.removed) fail(NFS4.ERR_STALE);
      const statOpen = (fd: number): Promise<FileStat> => store.statOpen(node.volume, fd);
      if (usesDescriptor(node)) return withDescriptor(node, statOpen);
      if (!isDirectory(node)) return locate(node, statIfSame(node));
      const stat = await directories.use(node, statOpen);
      // A removed directory is still open here.
      return stat !== undefined && stat.links > 0 ? stat : locate(node, statIfSame(node));
    },

    async statOpen({ isLocal }, fd) {
      return toFileStat(isLocal ? calls.fstatAtOnce(fd) : await calls.fstat(fd));
    },

    async statAt({ isLocal }, fd, name) {
      return toFileStat((isLocal ? statCached(fd, name) : undefined) ?? (await calls.lstat(pathBelow(fd, name))));
    },

    async lookup(directory, name) {
      const stat = await store.inDirectory(directory, (fd) => store.statAt(directory.volume, fd, name));
      if (stat.device !== directory.volume.device) fail(NFS4.ERR_ACCESS);
      return { node: directory.volume.admit(stat, directory, name), stat };
    },

    async inDirectory(directory, work) {
      if (!isDirectory(directory)) fail(directory.type === FileType.LNK ? NFS4.ERR_SYMLINK : NFS4.ERR_NOTDIR);
      if (directory.volume.removed) fail(NFS4.ERR_STALE);
      const attempt = () => directories.use(directory, async (fd) => ({ value: await work(fd) }));
      const done = await attempt();
      if (done !== undefined) return done.value;
      await locate(directory, statIfSame(directory));
      return (await attempt())?.value ?? fail(NFS4.ERR_STALE);
    },

    async pin(node, work) {
      if (isDirectory(node)) return store.inDirectory(node, work);
      if (usesDescriptor(node)) return withDescriptor(node, work);
      const fd = await locate(node, openChecked(node, O_PATH | constants.O_NOFOLLOW));
      try {
        return await work(fd);
      } finally {
        calls.close(fd);
      }
    },

    atName: (node, work) =>
      locate(node, async (fd, name) => {
        const stat = await statIfSame(node)(fd, name);
        return stat === undefined ? undefined : { value: await work(fd, name) };
      }).then(({ value }) => value),

    forgetDescriptors: directories.drop,

    readLink: (node) => store.atName(node, (fd, name) => calls.readlink(pathBelow(fd, name))),

    close() {
      for (const volume of [...volumes.values()]) store.remove(volume);
      directories.closeAll();
    },
  };
  return store;
}
