import { errorCode } from '../../host/libc.ts';
import { NFS4, NfsError, type Status } from '../protocol/status.ts';

const statuses: Record<string, Status> = {
  EPERM: NFS4.ERR_PERM,
  ENOENT: NFS4.ERR_NOENT,
  EIO: NFS4.ERR_IO,
  EUCLEAN: NFS4.ERR_IO,
  ENXIO: NFS4.ERR_NXIO,
  EACCES: NFS4.ERR_ACCESS,
  EEXIST: NFS4.ERR_EXIST,
  EXDEV: NFS4.ERR_XDEV,
  ENOTDIR: NFS4.ERR_NOTDIR,
  EISDIR: NFS4.ERR_ISDIR,
  EINVAL: NFS4.ERR_INVAL,
  EFBIG: NFS4.ERR_FBIG,
  ENOSPC: NFS4.ERR_NOSPC,
  EROFS: NFS4.ERR_ROFS,
  EMLINK: NFS4.ERR_MLINK,
  ENAMETOOLONG: NFS4.ERR_NAMETOOLONG,
  ENOTEMPTY: NFS4.ERR_NOTEMPTY,
  EDQUOT: NFS4.ERR_DQUOT,
  ESTALE: NFS4.ERR_STALE,
  ELOOP: NFS4.ERR_SYMLINK,
  EBUSY: NFS4.ERR_FILE_OPEN,
  ETXTBSY: NFS4.ERR_DELAY,
  EMFILE: NFS4.ERR_DELAY,
  ENFILE: NFS4.ERR_DELAY,
  ENOMEM: NFS4.ERR_DELAY,
  EAGAIN: NFS4.ERR_DELAY,
  EINTR: NFS4.ERR_DELAY,
  ENOTSUP: NFS4.ERR_NOTSUPP,
  EOPNOTSUPP: NFS4.ERR_NOTSUPP,
  ENOSYS: NFS4.ERR_NOTSUPP,
};

/** The protocol's word for anything thrown; undefined when it is a defect of the server. */
export function toStatus(thrown: unknown): Status | undefined {
  if (thrown instanceof NfsError) return thrown.status;
  const code = errorCode(thrown);
  return code === undefined ? undefined : statuses[code];
}
