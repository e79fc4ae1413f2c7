import * as calls from '../fs/calls.ts';
import { pathOf } from '../fs/names.ts';
import { granted, May } from '../fs/permissions.ts';
import { asksForSetOnly, encodeAttributes, unpackAttributes } from '../protocol/attributes.ts';
import { Access } from '../protocol/flags.ts';
import { fail, NFS4 } from '../protocol/status.ts';
import { type Fattr, FileType } from '../protocol/types.ts';
import { XdrError } from '../xdr/reader.ts';
import { needsSpace, sources, type View } from './attribute-sources.ts';
import { type Context, current, type Handlers, isPseudo, statCurrent } from './context.ts';

async function viewOf(context: Context, withSpace: boolean): Promise<View> {
  const target = current(context);
  const stat = await statCurrent(context);
  const space = withSpace && !isPseudo(target) ? await calls.statfs(pathOf(target.volume.rootFd)) : undefined;
  return { target, stat, space, leaseMs: context.server.leaseMs };
}

/** Whether the given values are those that the file has; RFC 8881 18.31. */
async function matches(context: Context, given: Fattr): Promise<boolean> {
  const { values, unknown } = unpack(given);
  if (unknown) fail(NFS4.ERR_ATTRNOTSUPP);
  if (asksForSetOnly(given.mask) || 'rdattr_error' in values) fail(NFS4.ERR_INVAL);
  const plan = context.server.plan(given.mask);
  const actual = encodeAttributes(plan, sources, await viewOf(context, needsSpace(plan)));
  return actual.values.equals(given.values);
}

export function unpack(given: Fattr): ReturnType<typeof unpackAttributes> {
  try {
    return unpackAttributes(given);
  } catch (error) {
    if (error instanceof XdrError) fail(NFS4.ERR_BADXDR);
    throw error;
  }
}

export const attributeHandlers: Pick<Handlers, 'GETATTR' | 'VERIFY' | 'NVERIFY' | 'ACCESS'> = {
  async GETATTR(context, { mask }) {
    if (asksForSetOnly(mask)) fail(NFS4.ERR_INVAL);
    const plan = context.server.plan(mask);
    return { attributes: encodeAttributes(plan, sources, await viewOf(context, needsSpace(plan))) };
  },

  async VERIFY(context, { attributes }) {
    return (await matches(context, attributes)) ? {} : fail(NFS4.ERR_NOT_SAME);
  },

  async NVERIFY(context, { attributes }) {
    return (await matches(context, attributes)) ? fail(NFS4.ERR_SAME) : {};
  },

  async ACCESS(context, { access }) {
    const stat = await statCurrent(context);
    const isDirectory = stat.type === FileType.DIR;
    const may = (bits: number): boolean => granted(stat, context.caller, bits) === bits;
    // A directory's entries are removed by who may write it; that the sticky bit says otherwise shows when it is tried.
    const change = isDirectory ? Access.MODIFY | Access.EXTEND | Access.DELETE : Access.MODIFY | Access.EXTEND;
    const supported = access & (Access.READ | change | (isDirectory ? Access.LOOKUP : Access.EXECUTE));
    const changeBits = isDirectory ? May.WRITE | May.SEARCH : May.WRITE;
    const target = current(context);
    let allowed = 0;
    if (may(May.READ)) allowed |= Access.READ;
    if (may(changeBits) && !isPseudo(target)) allowed |= change;
    if (may(May.SEARCH)) allowed |= Access.LOOKUP | Access.EXECUTE;
    return { supported, access: allowed & supported };
  },
};
