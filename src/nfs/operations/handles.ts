import { checkName } from '../fs/names.ts';
import { isDirectory } from '../fs/node.ts';
import { demand, May } from '../fs/permissions.ts';
import { fail, NFS4, type Status } from '../protocol/status.ts';
import { FileType } from '../protocol/types.ts';
import { type Context, current, type Handlers, handleOf, isPseudo, setCurrent, statCurrent } from './context.ts';

/**
 * That the current file is a directory in which the caller may look for names. `linkStatus`: what a symbolic link is
 * answered, which SECINFO has no word of its own for.
 */
async function demandSearch(context: Context, linkStatus: Status): Promise<void> {
  const target = current(context);
  if (target.type === FileType.LNK) fail(linkStatus);
  if (target.type !== FileType.DIR) fail(NFS4.ERR_NOTDIR);
  if (!context.caller.isPrivileged) demand(await statCurrent(context), context.caller, May.SEARCH);
}

type Names =
  | 'PUTFH'
  | 'PUTROOTFH'
  | 'PUTPUBFH'
  | 'GETFH'
  | 'SAVEFH'
  | 'RESTOREFH'
  | 'LOOKUP'
  | 'LOOKUPP'
  | 'SECINFO'
  | 'SECINFO_NO_NAME'
  | 'READLINK';

const flavors = (): { flavors: (0 | 1)[] } => ({ flavors: [1] });

async function lookUp(context: Context, name: string, linkStatus: Status): Promise<void> {
  checkName(name);
  await demandSearch(context, linkStatus);
  const target = current(context);
  const { store } = context.server;
  if (isPseudo(target)) {
    const volume = store.findVolume(name) ?? store.failForGood(NFS4.ERR_NOENT);
    setCurrent(context, volume.root);
    return;
  }
  const { node, stat } = await store.lookup(target, name);
  setCurrent(context, node, stat);
}

async function lookUpParent(context: Context, linkStatus: Status): Promise<void> {
  await demandSearch(context, linkStatus);
  const target = current(context);
  if (isPseudo(target)) fail(NFS4.ERR_NOENT);
  if (target === target.volume.root) return setCurrent(context, context.server.pseudoRoot);
  // A directory has one name, and what its parent is was checked if it was just looked up.
  await context.server.store.stat(target);
  setCurrent(context, target.links[0]?.parent ?? fail(NFS4.ERR_STALE));
}

/** Operations that choose the current file, RFC 8881 18.8, 18.13, 18.14, 18.19 to 18.21, 18.24, 18.27 to 18.29, 18.45. */
export const handleHandlers: Pick<Handlers, Names> = {
  async PUTFH(context, { handle }) {
    const { pseudoRoot, store } = context.server;
    setCurrent(context, handle.equals(pseudoRoot.handle) ? pseudoRoot : await store.resolve(handle));
    return {};
  },
  PUTROOTFH(context) {
    setCurrent(context, context.server.pseudoRoot);
    return {};
  },
  PUTPUBFH(context) {
    setCurrent(context, context.server.pseudoRoot);
    return {};
  },
  GETFH: (context) => ({ handle: handleOf(current(context)) }),
  SAVEFH(context) {
    context.saved = current(context);
    context.savedStateid = context.currentStateid;
    return {};
  },
  RESTOREFH(context) {
    setCurrent(context, context.saved ?? fail(NFS4.ERR_NOFILEHANDLE));
    context.currentStateid = context.savedStateid;
    return {};
  },
  async LOOKUP(context, { name }) {
    await lookUp(context, name, NFS4.ERR_SYMLINK);
    return {};
  },
  async LOOKUPP(context) {
    await lookUpParent(context, NFS4.ERR_SYMLINK);
    return {};
  },
  /** The current file handle is consumed, RFC 8881 2.6.3.1.1.8. */
  async SECINFO(context, { name }) {
    await lookUp(context, name, NFS4.ERR_NOTDIR);
    context.current = undefined;
    return flavors();
  },
  async SECINFO_NO_NAME(context, { style }) {
    if (style === 1) await lookUpParent(context, NFS4.ERR_NOTDIR);
    else current(context);
    context.current = undefined;
    return flavors();
  },
  async READLINK(context) {
    const target = current(context);
    if (isPseudo(target) || isDirectory(target) || target.type !== FileType.LNK) fail(NFS4.ERR_WRONG_TYPE);
    return { target: await context.server.store.readLink(target) };
  },
};
