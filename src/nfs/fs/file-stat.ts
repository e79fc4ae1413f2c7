import type { BigIntStats } from 'node:fs';
import { FileType } from '../protocol/types.ts';

/** A point in time as NFS and the kernel have it. */
export interface Timestamp {
  seconds: number;
  nanoseconds: number;
}

/** What is known of a file at one moment. */
export interface FileStat {
  type: FileType;
  /** Permission bits with set-id and sticky, 07777. */
  mode: number;
  links: number;
  uid: number;
  gid: number;
  sizeBytes: number;
  usedBytes: number;
  ino: bigint;
  /** Device of the file system. */
  device: bigint;
  /** Of a device node. */
  rawDevice: { major: number; minor: number };
  accessed: Timestamp;
  modified: Timestamp;
  changed: Timestamp;
  created: Timestamp;
  /** Nanoseconds; with the inode number it names a file for good. 0 where the file system knows no birth. */
  birthNs: bigint;
}

const BILLION = 1_000_000_000n;

function timestamp(ns: bigint): Timestamp {
  const seconds = ns / BILLION;
  const nanoseconds = Number(ns - seconds * BILLION);
  // Before 1970 the quotient is rounded towards zero.
  return nanoseconds < 0
    ? { seconds: Number(seconds) - 1, nanoseconds: nanoseconds + 1_000_000_000 }
    : { seconds: Number(seconds), nanoseconds };
}

const types = new Map<number, FileType>([
  [0o010000, FileType.FIFO],
  [0o020000, FileType.CHR],
  [0o040000, FileType.DIR],
  [0o060000, FileType.BLK],
  [0o100000, FileType.REG],
  [0o120000, FileType.LNK],
  [0o140000, FileType.SOCK],
]);

export function toFileStat(stats: BigIntStats): FileStat {
  const mode = Number(stats.mode);
  const rawDevice = Number(stats.rdev);
  return {
    type: types.get(mode & 0o170000) ?? FileType.REG,
    mode: mode & 0o7777,
    links: Number(stats.nlink),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    sizeBytes: Number(stats.size),
    usedBytes: Number(stats.blocks) * 512,
    ino: stats.ino,
    device: stats.dev,
    // glibc's makedev(3), for the numbers that the kernel takes.
    rawDevice: { major: (rawDevice >>> 8) & 0xfff, minor: (rawDevice & 0xff) | ((rawDevice >>> 12) & 0xfff00) },
    accessed: timestamp(stats.atimeNs),
    modified: timestamp(stats.mtimeNs),
    changed: timestamp(stats.ctimeNs),
    created: timestamp(stats.birthtimeNs),
    birthNs: stats.birthtimeNs,
  };
}
