import { errorCode } from '../../host/libc.ts';
import { setTimes } from '../../host/special-files.ts';
import { applyChanges, type Changes, demandChanges } from '../fs/changes.ts';
import { createRegular, own, ownershipFor } from '../fs/create.ts';
import type { FileStat, Timestamp } from '../fs/file-stat.ts';
import { checkName } from '../fs/names.ts';
import { type FileNode, noteChange, type OpenFd } from '../fs/node.ts';
import { demand, granted, May } from '../fs/permissions.ts';
import type { ChangeInfo } from '../protocol/files.ts';
import { Claim, CreateMode, OPEN_RESULT_LOCKTYPE_POSIX, SHARE_WANT_MASK, Share } from '../protocol/flags.ts';
import type { Arguments, Result } from '../protocol/operations.ts';
import type { CreateHow } from '../protocol/state.ts';
import { fail, NFS4 } from '../protocol/status.ts';
import { type Bitmap, FileType } from '../protocol/types.ts';
import { type Context, client, currentNode, type Handlers, setCurrent } from './context.ts';
import { currentFile } from './data.ts';
import { demandGrace } from './grace.ts';
import { changeInfo, currentDirectory, prepareDirectory } from './names.ts';
import { toChanges } from './settable.ts';

/** How often a name may come and go between looking and creating. */
const ATTEMPTS = 8;

/** A file that is about to be open. */
interface Opened {
  node: FileNode;
  stat: FileStat;
  /** Present when the file was made here, with the descriptor that made it. */
  created?: { fd: number };
  change: ChangeInfo;
  set: Bitmap;
  /** To be done once the open counts. */
  changes: Changes;
}

/** RFC 8881 18.16.3: an exclusive create leaves its verifier in the file's times, where a restart does not lose it. */
function toTimes(verifier: Buffer): { accessed: Timestamp; modified: Timestamp } {
  const half = (at: number): Timestamp => {
    const value = verifier.readUInt32BE(at);
    // Some file systems have 31 bits of seconds.
    return { seconds: value & 0x7fffffff, nanoseconds: value >>> 31 };
  };
  return { accessed: half(0), modified: half(4) };
}

const isSameTime = (a: Timestamp, b: Timestamp): boolean => a.seconds === b.seconds && a.nanoseconds === b.nanoseconds;

function isMadeBy(verifier: Buffer, { accessed, modified, sizeBytes }: FileStat): boolean {
  const times = toTimes(verifier);
  return sizeBytes === 0 && isSameTime(times.accessed, accessed) && isSameTime(times.modified, modified);
}

/** The share bits of an open; what it wants of delegations is of no use here. */
function sharesOf({ shareAccess, shareDeny }: Pick<Arguments<'OPEN'>, 'shareAccess' | 'shareDeny'>) {
  const access = shareAccess & ~SHARE_WANT_MASK;
  if (access < Share.READ || access > Share.BOTH || shareDeny > Share.BOTH) fail(NFS4.ERR_INVAL);
  return { access, deny: shareDeny };
}

function demandType({ type }: FileNode): void {
  if (type === FileType.REG) return;
  if (type === FileType.DIR) fail(NFS4.ERR_ISDIR);
  fail(type === FileType.LNK ? NFS4.ERR_SYMLINK : NFS4.ERR_WRONG_TYPE);
}

/** A file that may be executed may be read: a client has no other way to run it. */
function demandAccess(context: Context, stat: FileStat, access: number): void {
  const { caller } = context;
  if ((access & Share.READ) !== 0 && granted(stat, caller, May.SEARCH) === 0) demand(stat, caller, May.READ);
  if ((access & Share.WRITE) !== 0) demand(stat, caller, May.WRITE);
}

/** Makes the file; undefined when there is one of that name. */
async function createFile(
  context: Context,
  directory: FileNode,
  name: string,
  how: CreateHow,
): Promise<Opened | undefined> {
  const { server, caller } = context;
  const { changes, mask } = 'attributes' in how ? toChanges(how.attributes) : { changes: {}, mask: [] };
  const before = await prepareDirectory(context, directory);
  const ownership = ownershipFor(before, caller, server.identities);
  const { mode = 0o644, ...others }: Changes = changes;
  const made = await server.store.inDirectory(directory, async (at) => {
    const fd = await createRegular(at, name, {
      mode: mode & 0o777,
      whole: 'verifier' in how,
      async prepare(path) {
        await own(path, ownership, { mode, type: FileType.REG, caller });
        if ('verifier' in how) await setTimes(path, { ...toTimes(how.verifier), noFollow: false });
      },
    });
    return fd === undefined ? undefined : { fd, stat: await server.store.statOpen(directory.volume, fd) };
  });
  if (made === undefined) return undefined;
  const { fd, stat } = made;
  noteChange(directory);
  const node = directory.volume.admit(stat, directory, name);
  if (others.sizeBytes === 0) delete others.sizeBytes;
  const change = await changeInfo(context, directory, before);
  return { node, stat, created: { fd }, change, set: mask, changes: others };
}

/** What is there already, if this way of creating takes it. */
async function takeExisting(
  context: Context,
  directory: FileNode,
  { node, stat }: { node: FileNode; stat: FileStat },
  how: CreateHow,
  access: number,
): Promise<Opened> {
  const change = await changeInfo(context, directory);
  if (how.mode === CreateMode.GUARDED) fail(NFS4.ERR_EXIST);
  if ('verifier' in how) {
    if (node.type !== FileType.REG || !isMadeBy(how.verifier, stat)) fail(NFS4.ERR_EXIST);
    // A retransmission: the file was made by it, so its mode does not matter.
    return { node, stat, change, set: [], changes: {} };
  }
  demandType(node);
  demandAccess(context, stat, access);
  const { changes } = toChanges(how.attributes);
  // Of the attributes of an UNCHECKED create only a size of 0 means anything to a file that exists.
  if (changes.sizeBytes !== 0) return { node, stat, change, set: [], changes: {} };
  if ((access & Share.WRITE) === 0) demand(stat, context.caller, May.WRITE);
  return { node, stat, change, set: [1 << 4], changes: { sizeBytes: 0 } };
}

async function openName(
  context: Context,
  name: string,
  { create }: Arguments<'OPEN'>,
  access: number,
): Promise<Opened> {
  const directory = currentDirectory(context, NFS4.ERR_SYMLINK);
  checkName(name);
  const { store } = context.server;
  const how = create as CreateHow | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // Who is stopped by permission bits must not learn from a create whether there is such a name; root looks later.
    if (how !== undefined && context.caller.isPrivileged) {
      const made = await createFile(context, directory, name, how);
      if (made !== undefined) return made;
    } else if (!context.caller.isPrivileged) {
      demand(await store.stat(directory), context.caller, May.SEARCH);
    }
    try {
      const found = await store.lookup(directory, name);
      if (how !== undefined) return await takeExisting(context, directory, found, how, access);
      demandType(found.node);
      demandAccess(context, found.stat, access);
      return { ...found, change: unchanged(), set: [], changes: {} };
    } catch (error) {
      if (how === undefined || errorCode(error) !== 'ENOENT') throw error;
    }
    if (!context.caller.isPrivileged) {
      const made = await createFile(context, directory, name, how);
      if (made !== undefined) return made;
    }
  }
  return fail(NFS4.ERR_DELAY);
}

/** Clients look at the directory's change only when they have created something. */
const unchanged = (): ChangeInfo => ({ atomic: false, before: { high: 0, low: 0 }, after: { high: 0, low: 0 } });

async function openHandle(context: Context, access: number): Promise<Opened> {
  const node = currentFile(context);
  const stat = await context.server.store.stat(node);
  demandAccess(context, stat, access);
  return { node, stat, change: unchanged(), set: [], changes: {} };
}

/** After a restart: it was open, so nothing is checked but that it may be reclaimed. RFC 8881 9.8.1. */
async function reclaim(context: Context): Promise<Opened> {
  const node = currentFile(context);
  return { node, stat: await context.server.store.stat(node), change: unchanged(), set: [], changes: {} };
}

function choose(context: Context, args: Arguments<'OPEN'>, access: number): Promise<Opened> {
  const { claim } = args;
  switch (claim.claim) {
    case Claim.NULL:
      return openName(context, claim.name, args, access);
    case Claim.FH:
      if (args.create !== undefined) fail(NFS4.ERR_INVAL);
      return openHandle(context, access);
    case Claim.PREVIOUS:
      if (claim.delegation !== 0) fail(NFS4.ERR_RECLAIM_BAD);
      return reclaim(context);
    case Claim.DELEGATE_CUR:
    case Claim.DELEG_CUR_FH:
      // No stateid is a delegation's.
      return fail(NFS4.ERR_BAD_STATEID);
    default:
      return fail(NFS4.ERR_NOTSUPP);
  }
}

/**
 * After a restart: an exclusive create that was done before it, whose answer got lost. It is answered in the grace
 * period, too: told to come later, Linux would make up another verifier and find the file to be somebody else's.
 */
async function isRetransmittedCreate(context: Context, { create, claim }: Arguments<'OPEN'>): Promise<boolean> {
  const { grace } = context.server.state;
  if (!grace.isActive || !client(context).isReclaimComplete) return false;
  if (claim.claim !== Claim.NULL || create === undefined || !('verifier' in create)) return false;
  try {
    const { stat } = await context.server.store.lookup(
      currentDirectory(context, NFS4.ERR_SYMLINK),
      checkName(claim.name),
    );
    return isMadeBy(create.verifier, stat);
  } catch {
    return false;
  }
}

async function takeFiles({ store }: Context['server'], { node, created }: Opened, access: number): Promise<OpenFd[]> {
  if (created !== undefined) return [await store.files.adopt(node, created.fd)];
  return [await store.files.acquire(node, (access & Share.WRITE) === 0 ? 'read' : 'write')];
}

async function open(context: Context, args: Arguments<'OPEN'>): Promise<Result<'OPEN'>> {
  const { server, caller } = context;
  const { access, deny } = sharesOf(args);
  const owner = client(context);
  currentNode(context);
  if (!(await isRetransmittedCreate(context, args))) demandGrace(server, owner, args.claim.claim === Claim.PREVIOUS);
  const opened = await choose(context, args, access);
  const { node, stat } = opened;
  const files = await takeFiles(server, opened, access);
  const { open: state, stateid } = server.state.opens.open({
    client: owner,
    owner: args.owner.owner.toString('latin1'),
    node,
    access,
    deny,
    uid: caller.uid,
    files,
  });
  if (Object.keys(opened.changes).length > 0) {
    try {
      demandChanges(stat, caller, opened.changes, { identity: server.identities.identity, mayWrite: true });
      await applyChanges(server.store, node, stat, caller, opened.changes);
    } catch (error) {
      if (state.seqid === 1) server.state.opens.drop(state);
      throw error;
    }
    setCurrent(context, node);
  } else {
    setCurrent(context, node, stat);
  }
  context.currentStateid = stateid;
  return {
    stateid,
    change: opened.change,
    flags: OPEN_RESULT_LOCKTYPE_POSIX,
    set: opened.set,
    delegation: { delegation: 0 },
  };
}

/** RFC 8881 18.16. */
export const openHandlers: Pick<Handlers, 'OPEN'> = { OPEN: open };
