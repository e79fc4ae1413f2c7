import { applyChanges, demandChanges } from '../fs/changes.ts';
import type { FileNode } from '../fs/node.ts';
import { fail, NFS4 } from '../protocol/status.ts';
import type { Stateid } from '../protocol/types.ts';
import { FileType } from '../protocol/types.ts';
import { demandState, specialOf } from '../state/stateids.ts';
import { type Context, client, currentNode, type Handlers, statCurrent } from './context.ts';
import { actualStateid } from './data.ts';
import { toChanges } from './settable.ts';

/** Whether the stateid shows that the file is open for writing; one that is no state's shows nothing. */
function isOpenForWriting(context: Context, node: FileNode, given: Stateid): boolean {
  const stateid = actualStateid(context, given);
  if (specialOf(stateid) !== undefined) return false;
  const state = demandState(context.server.state.table.check(stateid, client(context).id));
  if (state.node !== node) fail(NFS4.ERR_BAD_STATEID);
  const open = state.kind === 'open' ? state : state.open;
  return (open.access & 2) !== 0 ? true : fail(NFS4.ERR_OPENMODE);
}

/** RFC 8881 18.30. */
export const setAttributeHandlers: Pick<Handlers, 'SETATTR'> = {
  async SETATTR(context, { stateid, attributes }) {
    const node = currentNode(context);
    const { changes, mask } = toChanges(attributes);
    let mayWrite = false;
    if (changes.sizeBytes !== undefined) {
      if (node.type !== FileType.REG) fail(NFS4.ERR_WRONG_TYPE);
      mayWrite = isOpenForWriting(context, node, stateid);
      if (!mayWrite && context.server.state.opens.conflicts(node, undefined, 2, 0)) fail(NFS4.ERR_LOCKED);
    }
    const { server, caller } = context;
    const stat = await statCurrent(context);
    demandChanges(stat, caller, changes, { identity: server.identities.identity, mayWrite });
    context.seen = undefined;
    await applyChanges(server.store, node, stat, caller, changes);
    return { set: mask };
  },
};
