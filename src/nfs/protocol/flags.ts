/** Constants of RFC 5662, the XDR of NFSv4.1, that are bits or choices. */

export const Access = { READ: 1, LOOKUP: 2, MODIFY: 4, EXTEND: 8, DELETE: 0x10, EXECUTE: 0x20 } as const;

export const Share = { READ: 1, WRITE: 2, BOTH: 3 } as const;
/** What a client may add to share_access about delegations, RFC 8881 18.16.3. */
export const SHARE_WANT_MASK = 0xff00 | 0x10000 | 0x20000;

export const CreateMode = { UNCHECKED: 0, GUARDED: 1, EXCLUSIVE: 2, EXCLUSIVE4_1: 3 } as const;
export const Claim = {
  NULL: 0,
  PREVIOUS: 1,
  DELEGATE_CUR: 2,
  DELEGATE_PREV: 3,
  FH: 4,
  DELEG_CUR_FH: 5,
  DELEG_PREV_FH: 6,
} as const;

export const OPEN_RESULT_LOCKTYPE_POSIX = 4;
export const OPEN_RESULT_PRESERVE_UNLINKED = 8;

export const Exchange = {
  SUPP_MOVED_REFER: 1,
  SUPP_MOVED_MIGR: 2,
  BIND_PRINC_STATEID: 0x100,
  USE_NON_PNFS: 0x10000,
  UPD_CONFIRMED_REC_A: 0x40000000,
  CONFIRMED_R: 0x80000000,
} as const;
export const EXCHANGE_MASK_ARGUMENTS = 0x40070103;

export const CREATE_SESSION_FLAGS = 7;

export const SequenceStatus = { EXPIRED_SOME_STATE_REVOKED: 0x10, RESTART_RECLAIM_NEEDED: 0x100 } as const;

export const BindDirection = { FORE: 1, BACK: 2, FORE_OR_BOTH: 3, BACK_OR_BOTH: 7 } as const;

export const AuthFlavor = { NONE: 0, SYS: 1 } as const;
