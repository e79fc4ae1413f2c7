import { ioctl, iowr } from './ioctl.ts';

// include/uapi/linux/fiemap.h
const FS_IOC_FIEMAP = iowr('f'.charCodeAt(0), 11, 32);
const HEADER_BYTES = 32;
const EXTENT_BYTES = 56;
const FLAG_SYNC = 1;
const EXTENT_LAST = 0x1;
const EXTENT_UNWRITTEN = 0x800;
/** Of an extent whose place on the disk is not known, or does not say alone what it holds: unknown, delalloc, encoded, inline, tail. */
const EXTENT_UNCLEAR = 0x2 | 0x4 | 0x8 | 0x80 | 0x200 | 0x400;
const BATCH = 512;

/** A piece of a file and where it lies on the disk. */
export interface Extent {
  startBytes: bigint;
  endBytes: bigint;
  /** Undefined where the place does not tell whether two files share what is there. */
  physicalBytes: bigint | undefined;
}

/** What is written in the file open as `fd`, from `fromBytes` on, in order; holes and unwritten extents are left out. */
export function* writtenExtents(fd: number, fromBytes: bigint): Generator<Extent> {
  for (let next = fromBytes; ; ) {
    const map = Buffer.alloc(HEADER_BYTES + BATCH * EXTENT_BYTES);
    map.writeBigUInt64LE(next, 0);
    map.writeBigUInt64LE((1n << 63n) - 1n - next, 8);
    map.writeUInt32LE(FLAG_SYNC, 16);
    map.writeUInt32LE(BATCH, 24);
    ioctl(fd, FS_IOC_FIEMAP, map, 'extents of a file');
    const count = map.readUInt32LE(20);
    for (let index = 0; index < count; index++) {
      const at = HEADER_BYTES + index * EXTENT_BYTES;
      const startBytes = map.readBigUInt64LE(at);
      const endBytes = startBytes + map.readBigUInt64LE(at + 16);
      const flags = map.readUInt32LE(at + 40);
      next = endBytes;
      if ((flags & EXTENT_UNWRITTEN) === 0) {
        yield {
          startBytes,
          endBytes,
          physicalBytes: flags & EXTENT_UNCLEAR ? undefined : map.readBigUInt64LE(at + 8),
        };
      }
      if (flags & EXTENT_LAST) return;
    }
    if (count === 0) return;
  }
}
