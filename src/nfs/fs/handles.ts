import { fail, NFS4 } from '../protocol/status.ts';

const FORMAT = 1;
const BYTES = 33;
const VOLUME_AT = 1;
const INO_AT = 17;
const BIRTH_AT = 25;

/**
 * What a file handle says: the volume, and the inode with its time of birth, so that a number that is used again is not
 * taken for the old file. It stays the same over renames and restarts.
 */
export interface HandleParts {
  volumeKey: string;
  ino: bigint;
  birthNs: bigint;
}

/** A volume's id as a key of maps. */
export const volumeKeyOf = (volumeId: Buffer): string => volumeId.toString('latin1');

export function encodeHandle(volumeId: Buffer, ino: bigint, birthNs: bigint): Buffer {
  const handle = Buffer.allocUnsafe(BYTES);
  handle[0] = FORMAT;
  volumeId.copy(handle, VOLUME_AT);
  handle.writeBigUInt64BE(ino, INO_AT);
  handle.writeBigInt64BE(birthNs, BIRTH_AT);
  return handle;
}

export function decodeHandle(handle: Buffer): HandleParts {
  if (handle.length !== BYTES || handle[0] !== FORMAT) fail(NFS4.ERR_BADHANDLE);
  return {
    volumeKey: handle.toString('latin1', VOLUME_AT, INO_AT),
    ino: handle.readBigUInt64BE(INO_AT),
    birthNs: handle.readBigInt64BE(BIRTH_AT),
  };
}
