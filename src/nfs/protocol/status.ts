/** nfsstat4, RFC 8881 15.1: the answers that this server gives or its client understands. */
export const NFS4 = {
  OK: 0,
  ERR_PERM: 1,
  ERR_NOENT: 2,
  ERR_IO: 5,
  ERR_NXIO: 6,
  ERR_ACCESS: 13,
  ERR_EXIST: 17,
  ERR_XDEV: 18,
  ERR_NOTDIR: 20,
  ERR_ISDIR: 21,
  ERR_INVAL: 22,
  ERR_FBIG: 27,
  ERR_NOSPC: 28,
  ERR_ROFS: 30,
  ERR_MLINK: 31,
  ERR_NAMETOOLONG: 63,
  ERR_NOTEMPTY: 66,
  ERR_DQUOT: 69,
  ERR_STALE: 70,
  ERR_BADHANDLE: 10001,
  ERR_BAD_COOKIE: 10003,
  ERR_NOTSUPP: 10004,
  ERR_TOOSMALL: 10005,
  ERR_SERVERFAULT: 10006,
  ERR_BADTYPE: 10007,
  ERR_DELAY: 10008,
  ERR_SAME: 10009,
  ERR_DENIED: 10010,
  ERR_EXPIRED: 10011,
  ERR_LOCKED: 10012,
  ERR_GRACE: 10013,
  ERR_FHEXPIRED: 10014,
  ERR_SHARE_DENIED: 10015,
  ERR_WRONGSEC: 10016,
  ERR_CLID_INUSE: 10017,
  ERR_RESOURCE: 10018,
  ERR_NOFILEHANDLE: 10020,
  ERR_MINOR_VERS_MISMATCH: 10021,
  ERR_STALE_CLIENTID: 10022,
  ERR_STALE_STATEID: 10023,
  ERR_OLD_STATEID: 10024,
  ERR_BAD_STATEID: 10025,
  ERR_BAD_SEQID: 10026,
  ERR_NOT_SAME: 10027,
  ERR_LOCK_RANGE: 10028,
  ERR_SYMLINK: 10029,
  ERR_RESTOREFH: 10030,
  ERR_ATTRNOTSUPP: 10032,
  ERR_NO_GRACE: 10033,
  ERR_RECLAIM_BAD: 10034,
  ERR_RECLAIM_CONFLICT: 10035,
  ERR_BADXDR: 10036,
  ERR_LOCKS_HELD: 10037,
  ERR_OPENMODE: 10038,
  ERR_BADOWNER: 10039,
  ERR_BADCHAR: 10040,
  ERR_BADNAME: 10041,
  ERR_BAD_RANGE: 10042,
  ERR_LOCK_NOTSUPP: 10043,
  ERR_OP_ILLEGAL: 10044,
  ERR_DEADLOCK: 10045,
  ERR_FILE_OPEN: 10046,
  ERR_ADMIN_REVOKED: 10047,
  ERR_BADIOMODE: 10049,
  ERR_BADSESSION: 10052,
  ERR_BADSLOT: 10053,
  ERR_COMPLETE_ALREADY: 10054,
  ERR_CONN_NOT_BOUND_TO_SESSION: 10055,
  ERR_SEQ_MISORDERED: 10063,
  ERR_SEQUENCE_POS: 10064,
  ERR_REQ_TOO_BIG: 10065,
  ERR_REP_TOO_BIG: 10066,
  ERR_REP_TOO_BIG_TO_CACHE: 10067,
  ERR_RETRY_UNCACHED_REP: 10068,
  ERR_UNSAFE_COMPOUND: 10069,
  ERR_TOO_MANY_OPS: 10070,
  ERR_OP_NOT_IN_SESSION: 10071,
  ERR_CLIENTID_BUSY: 10074,
  ERR_SEQ_FALSE_RETRY: 10076,
  ERR_BAD_HIGH_SLOT: 10077,
  ERR_DEADSESSION: 10078,
  ERR_ENCR_ALG_UNSUPP: 10079,
  ERR_NOT_ONLY_OP: 10081,
  ERR_WRONG_CRED: 10082,
  ERR_WRONG_TYPE: 10083,
} as const;

export type Status = number;

const names = new Map<number, string>(Object.entries(NFS4).map(([name, number]) => [number, name]));

export const statusName = (status: Status): string =>
  status === NFS4.OK ? 'NFS4_OK' : `NFS4${names.get(status) ?? `ERR_${status}`}`;

/** Ends an operation with a status of the protocol, and with what some answers have beside it. */
export class NfsError extends Error {
  override name = 'NfsError';
  readonly status: Status;
  readonly body: unknown;

  constructor(status: Status, body?: unknown) {
    // No stack: this is how half of all lookups end.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(statusName(status));
    Error.stackTraceLimit = stackTraceLimit;
    this.status = status;
    this.body = body;
  }
}

export function fail(status: Status, body?: unknown): never {
  throw new NfsError(status, body);
}
