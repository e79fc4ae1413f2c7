import type { PathLike } from 'node:fs';
import { libcLinkat, libcMknodat, libcUtimensat } from './libc.ts';

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_SYMLINK_FOLLOW = 0x400;
// include/linux/stat.h
const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;

/** A point in time, the kernel's own clock, or no change. */
export type NewTime = { seconds: number; nanoseconds: number } | 'now' | 'keep';

const terminated = (path: PathLike): Buffer => Buffer.concat([Buffer.from(path as string), Buffer.alloc(1)]);

function pack(times: Buffer, at: number, time: NewTime): void {
  if (typeof time === 'string') {
    times.writeBigInt64LE(BigInt(time === 'now' ? UTIME_NOW : UTIME_OMIT), at + 8);
  } else {
    times.writeBigInt64LE(BigInt(time.seconds), at);
    times.writeBigInt64LE(BigInt(time.nanoseconds), at + 8);
  }
}

/** Sets times to the nanosecond, which Node's own functions cannot. A symbolic link itself is changed with `noFollow`. */
export async function setTimes(
  path: PathLike,
  { accessed, modified, noFollow }: { accessed: NewTime; modified: NewTime; noFollow: boolean },
): Promise<void> {
  const times = Buffer.alloc(32);
  pack(times, 0, accessed);
  pack(times, 16, modified);
  await libcUtimensat('', AT_FDCWD, terminated(path), times, noFollow ? AT_SYMLINK_NOFOLLOW : 0);
}

/** mknod(2): FIFO, socket or device; `mode` has the type. */
export async function makeSpecialFile(
  path: PathLike,
  mode: number,
  device: { major: number; minor: number },
): Promise<void> {
  const { major, minor } = device;
  const number =
    BigInt((minor & 0xff) | ((major & 0xfff) << 8)) | (BigInt(minor & ~0xff) << 12n) | (BigInt(major & ~0xfff) << 32n);
  await libcMknodat('', AT_FDCWD, terminated(path), mode, number);
}

/** Gives a name to what is open as `fd`, also to a file that was made without one (O_TMPFILE). */
export async function linkDescriptor(fd: number, path: PathLike): Promise<void> {
  await libcLinkat('', AT_FDCWD, terminated(`/proc/self/fd/${fd}`), AT_FDCWD, terminated(path), AT_SYMLINK_FOLLOW);
}
