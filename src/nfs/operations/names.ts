import { makeSpecialFile } from '../../host/special-files.ts';
import * as calls from '../fs/calls.ts';
import { applyChanges, demandChanges } from '../fs/changes.ts';
import { needsDirectory, own, ownershipFor } from '../fs/create.ts';
import type { FileStat } from '../fs/file-stat.ts';
import { checkName, pathBelow, toPath } from '../fs/names.ts';
import { type FileNode, isDirectory, noteChange } from '../fs/node.ts';
import { demand, demandRemoval, May } from '../fs/permissions.ts';
import type { ChangeInfo } from '../protocol/files.ts';
import type { Arguments } from '../protocol/operations.ts';
import { fail, NFS4, type Status } from '../protocol/status.ts';
import { FileType, MAX_TARGET_BYTES } from '../protocol/types.ts';
import { changeAttribute } from './attribute-sources.ts';
import { type Context, currentNode, type Handlers, isPseudo, setCurrent } from './context.ts';
import { toChanges } from './settable.ts';

/** The current directory, in which a name is to be changed. `linkStatus`: what a symbolic link is answered. */
export function currentDirectory(context: Context, linkStatus: Status = NFS4.ERR_NOTDIR): FileNode {
  const node = currentNode(context);
  if (node.type === FileType.LNK) fail(linkStatus);
  return isDirectory(node) ? node : fail(NFS4.ERR_NOTDIR);
}

/** The directory's stat if anything needs it; the caller may then add names. */
export async function prepareDirectory(context: Context, directory: FileNode): Promise<FileStat | undefined> {
  const { server, caller } = context;
  if (!needsDirectory(caller, server.identities)) return undefined;
  const stat = await server.store.stat(directory);
  demand(stat, caller, May.WRITE | May.SEARCH);
  return stat;
}

/**
 * How a directory changed. Never "atomic": local processes may have changed it at the same time, and a client that
 * believed otherwise would not look for what they did.
 */
export async function changeInfo(context: Context, directory: FileNode, before?: FileStat): Promise<ChangeInfo> {
  const after = changeAttribute(directory, await context.server.store.stat(directory));
  return { atomic: false, before: before === undefined ? after : changeAttribute(directory, before), after };
}

type ObjectType = Arguments<'CREATE'>['object'];
const FORMATS: Partial<Record<FileType, number>> = {
  [FileType.BLK]: 0o060000,
  [FileType.CHR]: 0o020000,
  [FileType.SOCK]: 0o140000,
  [FileType.FIFO]: 0o010000,
};

async function make(context: Context, fd: number, name: string, object: ObjectType, mode: number): Promise<void> {
  const path = pathBelow(fd, name);
  switch (object.type) {
    case FileType.DIR:
      return calls.mkdir(path, mode & 0o777);
    case FileType.LNK: {
      const { target } = object;
      if (target.length === 0 || target.includes('\0')) fail(NFS4.ERR_INVAL);
      if (target.length > MAX_TARGET_BYTES) fail(NFS4.ERR_NAMETOOLONG);
      return calls.symlink(toPath(target), path);
    }
    case FileType.REG:
      return fail(NFS4.ERR_BADTYPE);
    case FileType.BLK:
    case FileType.CHR:
      if (!context.caller.isPrivileged || context.server.identities.identity === 'server') fail(NFS4.ERR_PERM);
      return makeSpecialFile(path, FORMATS[object.type]! | (mode & 0o777), object);
    default:
      return makeSpecialFile(path, FORMATS[object.type as FileType]! | (mode & 0o777), { major: 0, minor: 0 });
  }
}

async function create(context: Context, { object, name, attributes }: Arguments<'CREATE'>) {
  const directory = currentDirectory(context);
  const { changes, mask } = toChanges(attributes);
  if (changes.sizeBytes !== undefined) fail(NFS4.ERR_INVAL);
  checkName(name);
  const { server, caller } = context;
  const { store } = server;
  const before = await prepareDirectory(context, directory);
  const ownership = ownershipFor(before, caller, server.identities);
  const type = object.type as FileType;
  const { mode = type === FileType.DIR ? 0o755 : 0o644, ...others } = changes;
  const noFollow = type === FileType.LNK;
  const stat = await store.inDirectory(directory, async (fd) => {
    await make(context, fd, name, object, mode);
    await own(pathBelow(fd, name), ownership, { mode, type, caller, noFollow });
    return store.statAt(directory.volume, fd, name);
  });
  noteChange(directory);
  const node = directory.volume.admit(stat, directory, name);
  if (Object.keys(others).length > 0) {
    demandChanges(stat, caller, others, { identity: server.identities.identity, mayWrite: false });
    await applyChanges(store, node, stat, caller, others);
    setCurrent(context, node);
  } else {
    setCurrent(context, node, stat);
  }
  return { change: await changeInfo(context, directory, before), set: mask };
}

/** What is at a name, and that the caller may take it away. */
async function removable(
  context: Context,
  directory: FileNode,
  name: string,
): Promise<{ node: FileNode; stat: FileStat; before: FileStat | undefined }> {
  const { server, caller } = context;
  const before = caller.isPrivileged ? undefined : await server.store.stat(directory);
  if (before !== undefined) demand(before, caller, May.SEARCH);
  const found = await server.store.lookup(directory, name);
  if (before !== undefined) demandRemoval(before, found.stat, caller);
  return { ...found, before };
}

/** One name of the node is gone. */
function forgetName(context: Context, node: FileNode, stat: FileStat, directory: FileNode, name: string): void {
  const { volume } = directory;
  volume.unlink(node, directory, name);
  noteChange(node);
  if (node.links.length > 0) return;
  node.mayBeElsewhere = !isDirectory(node) && stat.links > 1;
  if (node.mayBeElsewhere) return;
  context.server.store.forgetDescriptors(node);
  if (node.state === undefined) volume.forget(node);
}

async function remove(context: Context, { name }: Arguments<'REMOVE'>) {
  const directory = currentDirectory(context);
  checkName(name);
  const { node, stat, before } = await removable(context, directory, name);
  await context.server.store.inDirectory(directory, (fd) => {
    const path = pathBelow(fd, name);
    return isDirectory(node) ? calls.rmdir(path) : calls.unlink(path);
  });
  noteChange(directory);
  forgetName(context, node, stat, directory, name);
  context.seen = undefined;
  return { change: await changeInfo(context, directory, before) };
}

function savedDirectory(context: Context): FileNode {
  const { saved } = context;
  if (saved === undefined) fail(NFS4.ERR_NOFILEHANDLE);
  if (isPseudo(saved)) fail(NFS4.ERR_XDEV);
  return isDirectory(saved) ? saved : fail(NFS4.ERR_NOTDIR);
}

async function rename(context: Context, { oldName, newName }: Arguments<'RENAME'>) {
  const source = savedDirectory(context);
  const target = currentDirectory(context);
  if (source.volume !== target.volume) fail(NFS4.ERR_XDEV);
  checkName(oldName);
  checkName(newName);
  const { store } = context.server;
  const moved = await removable(context, source, oldName);
  const before = await prepareDirectory(context, target);
  const replaced = await removable(context, target, newName).catch((error) => {
    if (toAbsence(error)) return undefined;
    throw error;
  });
  // Two names of one file: nothing happens, rename(2).
  if (replaced?.node !== moved.node) {
    if (replaced !== undefined && isDirectory(replaced.node) !== isDirectory(moved.node)) fail(NFS4.ERR_EXIST);
    await store.inDirectory(source, (from) =>
      store.inDirectory(target, (to) => calls.rename(pathBelow(from, oldName), pathBelow(to, newName))),
    );
    noteChange(source);
    if (target !== source) noteChange(target);
    if (replaced !== undefined) forgetName(context, replaced.node, replaced.stat, target, newName);
    source.volume.unlink(moved.node, source, oldName);
    source.volume.admit(moved.stat, target, newName);
    noteChange(moved.node);
  }
  context.seen = undefined;
  return {
    source: await changeInfo(context, source, moved.before),
    target: await changeInfo(context, target, before),
  };
}

const toAbsence = (error: unknown): boolean => (error as { code?: string }).code === 'ENOENT';

async function link(context: Context, { name }: Arguments<'LINK'>) {
  const directory = currentDirectory(context, NFS4.ERR_SYMLINK);
  checkName(name);
  const { saved } = context;
  if (saved === undefined) fail(NFS4.ERR_NOFILEHANDLE);
  if (isPseudo(saved) || isDirectory(saved)) fail(NFS4.ERR_ISDIR);
  if (saved.volume !== directory.volume) fail(NFS4.ERR_XDEV);
  const { store } = context.server;
  const before = await prepareDirectory(context, directory);
  await store.inDirectory(directory, (to) =>
    store.atName(saved, (from, oldName) => calls.link(pathBelow(from, oldName), pathBelow(to, name))),
  );
  noteChange(directory);
  noteChange(saved);
  saved.links.push({ parent: directory, name });
  context.seen = undefined;
  return { change: await changeInfo(context, directory, before) };
}

/** Operations on the names in a directory, RFC 8881 18.4, 18.9, 18.25 and 18.26. */
export const nameHandlers: Pick<Handlers, 'CREATE' | 'REMOVE' | 'RENAME' | 'LINK'> = {
  CREATE: create,
  REMOVE: remove,
  RENAME: rename,
  LINK: link,
};
