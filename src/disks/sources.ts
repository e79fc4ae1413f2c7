import { constants, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../host/libc.ts';
import { RunError, run } from '../host/run.ts';
import type { ProbeOutput } from './probe.ts';

/** Where text about devices comes from: sysfs, procfs, the udev database. */
export type Root = 'sys' | 'proc' | 'udev';

/** A device that is open with O_EXCL: while it is, nobody can mount it, swap on it or build on it. */
export interface ExclusiveHandle {
  fd: number;
  /** `major:minor` of what was opened. */
  number: string;
  close(): Promise<void>;
}

/**
 * Everything that disks/ learns from the machine. The first four never wait for a device and are read at once; the
 * others do, and may stay away for as long as a broken device likes.
 */
export interface DiskSources {
  /** Folder of the device nodes. */
  readonly devRoot: string;
  /** A file's text, undefined when there is no such file; throws when it cannot be read. */
  readText(root: Root, path: string): string | undefined;
  /** Names in a folder, undefined when there is no such folder. */
  list(root: Root, path: string): string[] | undefined;
  /** What a symbolic link says, undefined when there is none. */
  linkTarget(root: Root, path: string): string | undefined;
  /** `major:minor` of a block device node, undefined when `path` is none. */
  nodeNumber(path: string): string | undefined;

  /** Runs `blkid -p -o udev`. Rejects when it could not be run to its end. */
  probe(path: string): Promise<ProbeOutput>;
  /** Rejects with EBUSY while something uses the device. */
  openExclusive(path: string): Promise<ExclusiveHandle>;
  /** Fewer bytes than asked for are a device that ends early. */
  readRange(path: string, offsetBytes: bigint, lengthBytes: number): Promise<Buffer>;
}

export interface SystemRoots {
  sys?: string;
  proc?: string;
  udev?: string;
  dev?: string;
  blkid?: string;
  probeTimeoutMs?: number;
}

/** This machine; the folders can be given where a container has the host's under other names. */
export function systemSources(roots: SystemRoots = {}): DiskSources {
  const { dev = '/dev', blkid = 'blkid', probeTimeoutMs = 4_000 } = roots;
  const folders = { sys: roots.sys ?? '/sys', proc: roots.proc ?? '/proc', udev: roots.udev ?? '/run/udev' };
  return {
    devRoot: dev,
    readText: (root, path) => unlessMissing(() => readFileSync(join(folders[root], path), 'utf8')),
    list: (root, path) => unlessMissing(() => readdirSync(join(folders[root], path))),
    linkTarget: (root, path) => unlessMissing(() => readlinkSync(join(folders[root], path))),
    nodeNumber(path) {
      try {
        const stat = statSync(path);
        return stat.isBlockDevice() ? deviceNumber(stat.rdev) : undefined;
      } catch {
        return undefined;
      }
    },
    async probe(path) {
      try {
        return await run(blkid, ['-p', '-o', 'udev', '--', path], { timeoutMs: probeTimeoutMs });
      } catch (error) {
        if (!(error instanceof RunError) || error.exitCode === undefined) throw error;
        return { exitCode: error.exitCode, stdout: '', stderr: error.stderr };
      }
    },
    async openExclusive(path) {
      const handle = await open(path, constants.O_RDONLY | constants.O_EXCL | constants.O_NONBLOCK);
      const { rdev } = await handle.stat();
      return { fd: handle.fd, number: deviceNumber(rdev), close: () => handle.close() };
    },
    async readRange(path, offsetBytes, lengthBytes) {
      const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        return await readFully(handle, offsetBytes, lengthBytes);
      } finally {
        await handle.close();
      }
    },
  };
}

async function readFully(handle: FileHandle, offsetBytes: bigint, lengthBytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(lengthBytes);
  let done = 0;
  while (done < lengthBytes) {
    const { bytesRead } = await handle.read(buffer, done, lengthBytes - done, offsetBytes + BigInt(done));
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

function unlessMissing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}

/** The encoding of st_rdev in the C library's makedev(3). */
function deviceNumber(rdev: number): string {
  const bits = BigInt(rdev);
  const major = ((bits >> 8n) & 0xfffn) | ((bits >> 32n) & ~0xfffn);
  const minor = (bits & 0xffn) | ((bits >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}
