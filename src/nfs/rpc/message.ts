import { AuthFlavor } from '../protocol/flags.ts';
import { XdrError, XdrReader } from '../xdr/reader.ts';
import { XdrWriter } from '../xdr/writer.ts';

const CALL = 0;
const REPLY = 1;
const RPC_VERSION = 2;
const MSG_ACCEPTED = 0;
const MSG_DENIED = 1;
const RPC_MISMATCH = 0;
const AUTH_ERROR = 1;
/** RFC 5531 8.2: an opaque_auth body. */
const MAX_AUTH_BYTES = 400;
const MAX_GROUPS = 16;
const MAX_MACHINE_BYTES = 255;

/** accept_stat, RFC 5531 9. */
export const Accept = {
  SUCCESS: 0,
  PROG_UNAVAIL: 1,
  PROG_MISMATCH: 2,
  PROC_UNAVAIL: 3,
  GARBAGE_ARGS: 4,
  SYSTEM_ERR: 5,
} as const;
/** auth_stat. */
export const AuthStat = { BADCRED: 1, TOOWEAK: 5 } as const;

/** Who calls, as AUTH_SYS says: RFC 5531 appendix A. */
export interface Credentials {
  uid: number;
  gid: number;
  groups: readonly number[];
}

export interface CallHeader {
  xid: number;
  program: number;
  version: number;
  procedure: number;
  /** `none` for AUTH_NONE; a number is the auth_stat that refuses the call. */
  credentials: Credentials | 'none' | number;
}

export type CallMessage = CallHeader | { xid: number; mismatch: true };

/**
 * The head of a call; behind it the reader is at the procedure's arguments. Throws XdrError when it is no call at all,
 * which no reply can answer.
 */
export function readCall(reader: XdrReader): CallMessage {
  const xid = reader.u32();
  if (reader.u32() !== CALL) throw new XdrError('not a call');
  if (reader.u32() !== RPC_VERSION) return { xid, mismatch: true };
  const program = reader.u32();
  const version = reader.u32();
  const procedure = reader.u32();
  const flavor = reader.u32();
  const body = reader.opaque(MAX_AUTH_BYTES);
  reader.u32();
  reader.opaque(MAX_AUTH_BYTES);
  return { xid, program, version, procedure, credentials: readCredentials(flavor, body) };
}

function readCredentials(flavor: number, body: Buffer): CallHeader['credentials'] {
  if (flavor === AuthFlavor.NONE) return 'none';
  if (flavor !== AuthFlavor.SYS) return AuthStat.TOOWEAK;
  try {
    const reader = new XdrReader(body);
    reader.u32();
    reader.opaque(MAX_MACHINE_BYTES);
    const uid = reader.u32();
    const gid = reader.u32();
    const groups: number[] = [];
    for (let left = reader.count(MAX_GROUPS); left > 0; left--) groups.push(reader.u32());
    return { uid, gid, groups };
  } catch (error) {
    if (error instanceof XdrError) return AuthStat.BADCRED;
    throw error;
  }
}

/** A writer that holds room for the record mark and the head of an accepted reply. */
export function startReply(xid: number, status: number): XdrWriter {
  const writer = new XdrWriter();
  writer.u32(0);
  writer.u32(xid);
  writer.u32(REPLY);
  writer.u32(MSG_ACCEPTED);
  writer.u32(AuthFlavor.NONE);
  writer.u32(0);
  writer.u32(status);
  return writer;
}

export function mismatchReply(xid: number, versions: { low: number; high: number }): XdrWriter {
  const writer = startReply(xid, Accept.PROG_MISMATCH);
  writer.u32(versions.low);
  writer.u32(versions.high);
  return writer;
}

export function deniedReply(xid: number, why: { rpcMismatch: true } | { authStat: number }): XdrWriter {
  const writer = new XdrWriter(64);
  writer.u32(0);
  writer.u32(xid);
  writer.u32(REPLY);
  writer.u32(MSG_DENIED);
  if ('authStat' in why) {
    writer.u32(AUTH_ERROR);
    writer.u32(why.authStat);
  } else {
    writer.u32(RPC_MISMATCH);
    writer.u32(RPC_VERSION);
    writer.u32(RPC_VERSION);
  }
  return writer;
}
