import { type NewTime, setTimes } from '../../host/special-files.ts';
import { fail, NFS4 } from '../protocol/status.ts';
import { FileType } from '../protocol/types.ts';
import * as calls from './calls.ts';
import type { FileStat } from './file-stat.ts';
import { pathBelow, pathOf } from './names.ts';
import { type FileNode, noteChange } from './node.ts';
import { type Caller, demand, type Identities, isMember, May, owns } from './permissions.ts';
import type { FileStore } from './store.ts';

/** What a client wants to be different of a file. */
export interface Changes {
  sizeBytes?: number;
  mode?: number;
  uid?: number;
  gid?: number;
  accessed?: NewTime;
  modified?: NewTime;
}

const SET_ID = 0o6000;
const SET_GID = 0o2000;

const changesOwner = (stat: FileStat, { uid, gid }: Changes): boolean =>
  (uid !== undefined && uid !== stat.uid) || (gid !== undefined && gid !== stat.gid);

/**
 * Refuses what the caller may not do, as chmod(2), chown(2), truncate(2) and utimensat(2) say. `mayWrite`: an open
 * stateid allows to change the size.
 */
export function demandChanges(
  stat: FileStat,
  caller: Caller,
  changes: Changes,
  { identity, mayWrite }: Pick<Identities, 'identity'> & { mayWrite: boolean },
): void {
  if (changesOwner(stat, changes)) demandOwnerChange(stat, caller, changes, identity);
  if (changes.mode !== undefined && !owns(stat, caller)) fail(NFS4.ERR_PERM);
  if (changes.sizeBytes !== undefined && !mayWrite) demand(stat, caller, May.WRITE);
  const times = [changes.accessed, changes.modified].filter((time) => time !== undefined);
  if (times.length === 0 || owns(stat, caller)) return;
  if (times.some((time) => time !== 'now')) fail(NFS4.ERR_PERM);
  demand(stat, caller, May.WRITE);
}

function demandOwnerChange(
  stat: FileStat,
  caller: Caller,
  { uid, gid }: Changes,
  identity: Identities['identity'],
): void {
  if (identity === 'server') fail(NFS4.ERR_PERM);
  if (caller.isPrivileged) return;
  if (stat.uid !== caller.uid || (uid !== undefined && uid !== stat.uid)) fail(NFS4.ERR_PERM);
  if (gid !== undefined && gid !== stat.gid && !isMember(caller, gid)) fail(NFS4.ERR_PERM);
}

/** Only who is in a file's group may make it run as that group, chmod(2). */
export function allowedMode(mode: number, gid: number, type: FileType, caller: Caller): number {
  return type === FileType.DIR || caller.isPrivileged || isMember(caller, gid) ? mode : mode & ~SET_GID;
}

/** Carries the changes out; the caller has been checked. */
export async function applyChanges(
  store: FileStore,
  node: FileNode,
  stat: FileStat,
  caller: Caller,
  changes: Changes,
): Promise<void> {
  const { sizeBytes, ...others } = changes;
  if (others.mode !== undefined) node.isPlain = false;
  if (sizeBytes !== undefined) await truncate(store, node, sizeBytes);
  if (Object.keys(others).length > 0) {
    if (node.type === FileType.LNK) {
      await store.atName(node, (fd, name) =>
        applyAt({ path: pathBelow(fd, name), noFollow: true }, stat, caller, others),
      );
    } else {
      await store.pin(node, (fd) => applyAt({ path: pathOf(fd), noFollow: false }, stat, caller, others));
    }
  }
  // An unprivileged change of content takes the right to run as somebody else away; as root the kernel would not.
  if (sizeBytes !== undefined && others.mode === undefined) await clearSetId(store, node, caller);
  noteChange(node);
}

async function applyAt(
  { path, noFollow }: { path: Parameters<typeof calls.chmod>[0]; noFollow: boolean },
  stat: FileStat,
  caller: Caller,
  { uid, gid, mode, accessed, modified }: Changes,
): Promise<void> {
  if (changesOwner(stat, { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) })) {
    const change = noFollow ? calls.lchown : calls.chown;
    await change(path, uid ?? stat.uid, gid ?? stat.gid);
  }
  if (mode !== undefined) {
    if (noFollow) fail(NFS4.ERR_ATTRNOTSUPP);
    await calls.chmod(path, allowedMode(mode, gid ?? stat.gid, stat.type, caller));
  }
  if (accessed !== undefined || modified !== undefined) {
    await setTimes(path, { accessed: accessed ?? 'keep', modified: modified ?? 'keep', noFollow });
  }
}

async function truncate(store: FileStore, node: FileNode, sizeBytes: number): Promise<void> {
  const file = await store.files.acquire(node, 'write');
  try {
    await calls.ftruncate(file.fd, sizeBytes);
  } finally {
    store.files.release(node, file);
  }
}

/**
 * Takes set-id bits off a file that an unprivileged caller has changed. The bits are looked for once, and again after
 * each change of the mode that went through this server.
 */
export async function clearSetId(store: FileStore, node: FileNode, caller: Caller): Promise<void> {
  if (caller.isPrivileged || node.isPlain) return;
  const { mode } = await store.stat(node);
  if ((mode & SET_ID) !== 0) {
    // S_ISGID without group execution is no set-id bit, inode(7).
    const taken = (mode & 0o010) === 0 ? 0o4000 : SET_ID;
    await store.pin(node, (fd) => calls.chmod(pathOf(fd), mode & ~taken));
  }
  node.isPlain = true;
}
