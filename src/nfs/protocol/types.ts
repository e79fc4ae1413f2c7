import {
  array,
  type Codec,
  enumeration,
  fixed,
  name,
  offset,
  opaque,
  struct,
  type TypeOf,
  u32,
  u64,
} from '../xdr/codec.ts';

/** NFS4_FHSIZE, NFS4_OPAQUE_LIMIT, NFS4_VERIFIER_SIZE, NFS4_SESSIONID_SIZE; RFC 8881 3.1. */
export const HANDLE_BYTES = 128;
export const OPAQUE_BYTES = 1024;
export const VERIFIER_BYTES = 8;
export const SESSION_ID_BYTES = 16;

/** Longer names are read, so that they get NAMETOOLONG and not BADXDR. */
export const MAX_NAME_READ = 4096;
export const MAX_TARGET_BYTES = 4095;
/** Attribute values that a client sends; far more than all settable ones take. */
const ATTRIBUTE_BYTES = 8192;
const BITMAP_WORDS = 8;

/** bitmap4: attribute numbers as bits, the first word has 0 to 31. */
export type Bitmap = number[];

export const bitmap: Codec<Bitmap> = array(u32, BITMAP_WORDS);
export const verifier = fixed(VERIFIER_BYTES);
export const sessionId = fixed(SESSION_ID_BYTES);
export const fileHandle = opaque(HANDLE_BYTES);
export const component = name(MAX_NAME_READ);

/** stateid4; `other` is what names the state. */
export const stateid = struct({ seqid: u32, other: fixed(12) });
export type Stateid = TypeOf<typeof stateid>;

/** fattr4: the values lie one after the other in the order of their numbers; see attributes.ts. */
export const fattr = struct({ mask: bitmap, values: opaque(ATTRIBUTE_BYTES) });
export type Fattr = TypeOf<typeof fattr>;

/** Times of a change_info4 and of `change` are in attributes.ts's form: two halves, so that no bigint is made. */
export interface Change {
  high: number;
  low: number;
}
export const change: Codec<Change> = struct({ high: u32, low: u32 });

export const stateOwner = struct({ clientId: u64, owner: opaque(OPAQUE_BYTES) });

/** nfs_ftype4. */
export const FileType = { REG: 1, DIR: 2, BLK: 3, CHR: 4, LNK: 5, SOCK: 6, FIFO: 7 } as const;
export type FileType = (typeof FileType)[keyof typeof FileType];

/** stable_how4. */
export const Stable = { UNSTABLE: 0, DATA_SYNC: 1, FILE_SYNC: 2 } as const;
export const stable = enumeration<0 | 1 | 2>(0, 1, 2);

/** nfs_lock_type4. */
export const LockType = { READ: 1, WRITE: 2, READ_BLOCKING: 3, WRITE_BLOCKING: 4 } as const;
export const lockType = enumeration<1 | 2 | 3 | 4>(1, 2, 3, 4);

/** nfstime4. */
export const time = struct({ seconds: offset, nanoseconds: u32 });
