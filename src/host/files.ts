import { constants } from 'node:fs';
import { ioctl, iow, iowr } from './ioctl.ts';
import {
  errorCode,
  libcCopyFileRange,
  libcFallocate,
  libcFgetxattr,
  libcFlock,
  libcFsetxattr,
  libcLseek,
  libcOpenat2,
  libcRenameat2,
  libcSyncfs,
  libcUnlinkat,
} from './libc.ts';

const FICLONE = iow(0x94, 9, 4);
const FIFREEZE = iowr(0x58, 119, 4);
const FITHAW = iowr(0x58, 120, 4);

// include/uapi/asm-generic/fcntl.h; Node's own calls set it without being asked.
const O_CLOEXEC = 0o2000000;

// include/uapi/linux/openat2.h
const RESOLVE_NO_MAGICLINKS = 0x02n;
const RESOLVE_NO_SYMLINKS = 0x04n;
const RESOLVE_BENEATH = 0x08n;

const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;
const LOCK_EX = 2;
const LOCK_NB = 4;
const FALLOC_KEEP_SIZE = 1;
const FALLOC_PUNCH_HOLE = 2;
// include/uapi/linux/fs.h
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/**
 * Opens `path` beneath the directory `dirfd`: no `..` out of it, no symbolic or magic link anywhere on the way.
 * The only way that Berth opens what is on a pool.
 */
export function openBeneath(dirfd: number, path: string, flags: number, mode = 0o600): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(flags & constants.O_CREAT ? BigInt(mode) : 0n, 8);
  how.writeBigUInt64LE(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, 16);
  return libcOpenat2(path, dirfd, path, how);
}

/** renameat2(2) that fails with EEXIST instead of replacing. */
export function renameNoReplace(oldDir: number, oldPath: string, newDir: number, newPath: string): void {
  libcRenameat2(`${oldPath} to ${newPath}`, oldDir, oldPath, newDir, newPath, RENAME_NOREPLACE);
}

/** Swaps two names in one step. */
export function renameExchange(oldDir: number, oldPath: string, newDir: number, newPath: string): void {
  libcRenameat2(`${oldPath} with ${newPath}`, oldDir, oldPath, newDir, newPath, RENAME_EXCHANGE);
}

/** Removes the file `name` of the directory `dirfd`; one that is gone already is fine. */
export function removeFile(dirfd: number, name: string): void {
  try {
    libcUnlinkat(name, dirfd, name, 0);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** Makes everything written to the file system of `fd` so far durable. */
export function syncFilesystem(fd: number): void {
  libcSyncfs('', fd);
}

/** Reserves the range; the file grows to hold it. ENOSPC when it does not fit. */
export function allocate(fd: number, offsetBytes: bigint, lengthBytes: bigint): void {
  libcFallocate('', fd, 0, offsetBytes, lengthBytes);
}

/** Gives the range's blocks back; it reads as zeros and the file keeps its size. */
export function punchHole(fd: number, offsetBytes: bigint, lengthBytes: bigint): void {
  libcFallocate('', fd, FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE, offsetBytes, lengthBytes);
}

/**
 * The next run of written bytes at or after `fromBytes`, or undefined when there is none. Preallocated space that was
 * never written counts as a hole; a file system that does not know its holes shows the whole file as written.
 */
export function nextData(fd: number, fromBytes: bigint): { startBytes: bigint; endBytes: bigint } | undefined {
  try {
    const startBytes = BigInt(libcLseek('', fd, fromBytes, SEEK_DATA));
    return { startBytes, endBytes: BigInt(libcLseek('', fd, startBytes, SEEK_HOLE)) };
  } catch (error) {
    if (errorCode(error) === 'ENXIO') return undefined;
    throw error;
  }
}

/** Copies bytes to the same place in another file inside the kernel; returns how many, 0 at the end of the file. */
export function copyRange(sourceFd: number, targetFd: number, offsetBytes: bigint, lengthBytes: bigint): bigint {
  const offsets = [Buffer.alloc(8), Buffer.alloc(8)] as const;
  for (const offset of offsets) offset.writeBigInt64LE(offsetBytes);
  return BigInt(libcCopyFileRange('', sourceFd, offsets[0], targetFd, offsets[1], lengthBytes, 0));
}

/** Makes `targetFd` share all blocks of `sourceFd`. EOPNOTSUPP or EXDEV where the file system cannot. */
export function reflink(sourceFd: number, targetFd: number): void {
  ioctl(targetFd, FICLONE, sourceFd, 'clone file');
}

/** Flushes and blocks all writes to the mounted file system until `thawFilesystem`, even if this process dies. */
export function freezeFilesystem(fd: number): void {
  ioctl(fd, FIFREEZE, 0, 'freeze');
}

/** Lets writes go on; a file system that is not frozen is fine. */
export function thawFilesystem(fd: number): void {
  try {
    ioctl(fd, FITHAW, 0, 'thaw');
  } catch (error) {
    if (errorCode(error) !== 'EINVAL') throw error;
  }
}

export function setAttribute(fd: number, name: string, value: string): void {
  const bytes = Buffer.from(value);
  libcFsetxattr(name, fd, name, bytes, bytes.length, 0);
}

/** The value of an extended attribute, or undefined when the file has none of that name. */
export function getAttribute(fd: number, name: string): string | undefined {
  const buffer = Buffer.alloc(4096);
  try {
    const length = libcFgetxattr(name, fd, name, buffer, buffer.length);
    return buffer.toString('utf8', 0, Number(length));
  } catch (error) {
    if (errorCode(error) === 'ENODATA') return undefined;
    throw error;
  }
}

/** Takes the exclusive flock(2) of an open file, or returns false when another open file has it. */
export function tryLock(fd: number): boolean {
  try {
    libcFlock('', fd, LOCK_EX | LOCK_NB);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EAGAIN') return false;
    throw error;
  }
}
