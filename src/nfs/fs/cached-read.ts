import { addressOf, libcPreadv2 } from '../../host/libc.ts';

// include/uapi/linux/fs.h
const RWF_NOWAIT = 8;
/** struct iovec, which lives as long as the call. */
const vector = Buffer.alloc(16);

/**
 * Fills the buffer from the page cache and says whether it could: never waits for a disk, and takes a tenth of the time that
 * handing the read to another thread does. preadv2(2).
 */
export function readCached(fd: number, buffer: Buffer, positionBytes: number): boolean {
  vector.writeBigUInt64LE(addressOf(buffer), 0);
  vector.writeUInt32LE(buffer.length, 8);
  return libcPreadv2(fd, vector, 1, positionBytes, RWF_NOWAIT) === buffer.length;
}
