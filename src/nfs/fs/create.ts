import { constants, type PathLike, readFileSync } from 'node:fs';
import { errorCode } from '../../host/libc.ts';
import { linkDescriptor } from '../../host/special-files.ts';
import type { FileType } from '../protocol/types.ts';
import * as calls from './calls.ts';
import { allowedMode } from './changes.ts';
import type { FileStat } from './file-stat.ts';
import { pathBelow, pathOf } from './names.ts';
import type { Caller, Identities } from './permissions.ts';

const SET_GID = 0o2000;

/** What the process takes off the mode of each file that it makes; Node can only ask by setting it. */
const umask = Number.parseInt(/^Umask:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0', 8);

/** Whom a new file belongs to, open(2): its maker, and its directory's group if that has the set-group-id bit. */
export interface Ownership {
  uid: number;
  gid: number;
  /** The kernel has done it: the server itself is the maker. */
  isDone: boolean;
}

const me = { uid: process.geteuid!(), gid: process.getegid!() };

/** `directory` may be left out for a caller that the kernel cannot tell from the server. */
export function ownershipFor(
  directory: FileStat | undefined,
  caller: Caller,
  { identity }: Pick<Identities, 'identity'>,
): Ownership {
  if (identity === 'server') return { ...me, isDone: true };
  const inherits = directory !== undefined && (directory.mode & SET_GID) !== 0;
  const gid = inherits ? directory.gid : caller.gid;
  const isDone = caller.uid === me.uid && (inherits || caller.gid === me.gid);
  return { uid: caller.uid, gid, isDone };
}

/** Whether the directory's stat is needed to know whose a new file is. */
export const needsDirectory = (caller: Caller, { identity }: Pick<Identities, 'identity'>): boolean =>
  !caller.isPrivileged || (identity === 'caller' && (caller.uid !== me.uid || caller.gid !== me.gid));

/** Gives a file that was just made to its owner, with the mode that was asked for. */
export async function own(
  path: PathLike,
  { uid, gid, isDone }: Ownership,
  { mode, type, caller, noFollow = false }: { mode?: number; type: FileType; caller: Caller; noFollow?: boolean },
): Promise<void> {
  if (!isDone) await (noFollow ? calls.lchown : calls.chown)(path, uid, gid);
  if (mode === undefined || noFollow) return;
  const wanted = allowedMode(mode, gid, type, caller);
  // A directory's set-group-id bit that comes from above stays.
  if ((wanted & umask) !== 0 || (wanted & 0o7000) !== 0) {
    const { mode: actual } = await calls.stat(path);
    const inherited = Number(actual) & SET_GID;
    await calls.chmod(path, wanted | inherited);
  }
}

// include/uapi/asm-generic/fcntl.h; Node has no name for it.
const O_TMPFILE = 0o20200000;
const NEW_FILE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Makes a regular file, open for reading and writing, and lets `prepare` finish it; undefined when the name is taken.
 * With `whole` the name appears when the file is finished, where the file system can do that: a crash in between would
 * leave a file that its maker does not recognise.
 */
export async function createRegular(
  directoryFd: number,
  name: string,
  { mode, whole, prepare }: { mode: number; whole: boolean; prepare(path: string): Promise<void> },
): Promise<number | undefined> {
  const path = pathBelow(directoryFd, name);
  let fd: number | undefined;
  try {
    if (whole) fd = await openNameless(directoryFd, mode);
    if (fd === undefined) {
      fd = await calls.open(path, NEW_FILE, mode);
      await prepare(pathOf(fd));
    } else {
      await prepare(pathOf(fd));
      await linkDescriptor(fd, path);
    }
    return fd;
  } catch (error) {
    if (fd !== undefined) calls.close(fd);
    if (errorCode(error) === 'EEXIST') return undefined;
    throw error;
  }
}

async function openNameless(directoryFd: number, mode: number): Promise<number | undefined> {
  try {
    return await calls.open(pathOf(directoryFd), O_TMPFILE | constants.O_RDWR, mode);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EOPNOTSUPP' || code === 'ENOTSUP' || code === 'EISDIR') return undefined;
    throw error;
  }
}
