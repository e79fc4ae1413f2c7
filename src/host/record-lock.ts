import { errorCode, libcFcntl } from './libc.ts';

// include/uapi/asm-generic/fcntl.h: locks that belong to an open file, not to a process. None of these calls waits.
const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;
/** struct flock with 64-bit offsets: type, whence, start, length, pid. */
const STRUCT_BYTES = 32;
const START_AT = 8;
const LENGTH_AT = 16;

export type LockKind = 'read' | 'write';

/** `lengthBytes` 0 is up to the end, whatever it will be. */
export interface LockRange {
  startBytes: bigint;
  lengthBytes: bigint;
}

function pack(type: number, { startBytes, lengthBytes }: LockRange): Buffer {
  const flock = Buffer.alloc(STRUCT_BYTES);
  flock.writeInt16LE(type, 0);
  flock.writeBigInt64LE(startBytes, START_AT);
  flock.writeBigInt64LE(lengthBytes, LENGTH_AT);
  return flock;
}

const typeOf = (kind: LockKind): number => (kind === 'read' ? F_RDLCK : F_WRLCK);

/** Takes a byte-range lock for the open file, or returns false when another one is in the way. */
export function tryLockRange(fd: number, kind: LockKind, range: LockRange): boolean {
  try {
    libcFcntl('lock', fd, F_OFD_SETLK, pack(typeOf(kind), range));
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EAGAIN' || code === 'EACCES') return false;
    throw error;
  }
}

export function unlockRange(fd: number, range: LockRange): void {
  libcFcntl('unlock', fd, F_OFD_SETLK, pack(F_UNLCK, range));
}

/** A lock of another open file that is in the way, or undefined. */
export function findConflict(
  fd: number,
  kind: LockKind,
  range: LockRange,
): (LockRange & { kind: LockKind }) | undefined {
  const flock = pack(typeOf(kind), range);
  libcFcntl('test lock', fd, F_OFD_GETLK, flock);
  const type = flock.readInt16LE(0);
  if (type === F_UNLCK) return undefined;
  return {
    kind: type === F_RDLCK ? 'read' : 'write',
    startBytes: flock.readBigInt64LE(START_AT),
    lengthBytes: flock.readBigInt64LE(LENGTH_AT),
  };
}
