import { type BigIntStats, closeSync, constants, fstatSync } from 'node:fs';
import { addressOf, libcOpenat2Quietly, libcPreadv2 } from '../../host/libc.ts';
import { O_PATH } from './directory-cache.ts';
import { MAX_NAME_BYTES } from './names.ts';

/*
 * What the kernel can tell from its memory is asked for at once: it never waits for a disk, and takes a fraction of the
 * time that handing the call to another thread does.
 */

// include/uapi/linux/fs.h
const RWF_NOWAIT = 8;
/** struct iovec, which lives as long as the call. */
const vector = Buffer.alloc(16);

/** Fills the buffer from the page cache and says whether it could. preadv2(2). */
export function readCached(fd: number, buffer: Buffer, positionBytes: number): boolean {
  vector.writeBigUInt64LE(addressOf(buffer), 0);
  vector.writeUInt32LE(buffer.length, 8);
  return libcPreadv2(fd, vector, 1, positionBytes, RWF_NOWAIT) === buffer.length;
}

// include/uapi/linux/openat2.h
const RESOLVE_NO_XDEV = 0x01n;
const RESOLVE_CACHED = 0x20n;
// include/uapi/asm-generic/fcntl.h; Node has no name for it.
const O_CLOEXEC = 0o2000000;
/** struct open_how. */
const how = Buffer.alloc(24);
how.writeBigUInt64LE(BigInt(O_PATH | constants.O_NOFOLLOW | O_CLOEXEC), 0);
how.writeBigUInt64LE(RESOLVE_CACHED | RESOLVE_NO_XDEV, 16);
const nameBytes = Buffer.alloc(MAX_NAME_BYTES + 1);

/**
 * The attributes of what is at `name` in the directory, if the kernel has it in memory; nothing of another file system.
 * The name is a checked one, one character a byte. openat2(2); kernels before 5.12 have nothing in memory.
 */
export function statCached(fd: number, name: string): BigIntStats | undefined {
  nameBytes[nameBytes.write(name, 'latin1')] = 0;
  const file = libcOpenat2Quietly(fd, nameBytes, how);
  if (file === -1) return undefined;
  try {
    return fstatSync(file, { bigint: true });
  } finally {
    closeSync(file);
  }
}
