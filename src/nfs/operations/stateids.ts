import { Share } from '../protocol/flags.ts';
import { fail, NFS4 } from '../protocol/status.ts';
import { demandState, isState, specialOf } from '../state/stateids.ts';
import { client, current, type Handlers } from './context.ts';
import { actualStateid } from './data.ts';
import { closedStateid, openOn } from './locks.ts';

type Names = 'CLOSE' | 'OPEN_DOWNGRADE' | 'FREE_STATEID' | 'TEST_STATEID';

/** RFC 8881 18.2, 18.18, 18.38, 18.48. */
export const stateidHandlers: Pick<Handlers, Names> = {
  CLOSE(context, { stateid }) {
    context.server.state.opens.close(openOn(context, current(context), stateid));
    context.currentStateid = undefined;
    return { stateid: closedStateid };
  },

  OPEN_DOWNGRADE(context, { stateid, shareAccess, shareDeny }) {
    if (shareAccess < Share.READ || shareAccess > Share.BOTH || shareDeny > Share.BOTH) fail(NFS4.ERR_INVAL);
    const open = openOn(context, current(context), stateid);
    const next = context.server.state.opens.downgrade(open, shareAccess, shareDeny);
    context.currentStateid = next;
    return { stateid: next };
  },

  FREE_STATEID(context, { stateid }) {
    const { locks, table } = context.server.state;
    const state = demandState(table.check(actualStateid(context, stateid), client(context).id));
    if (state.kind === 'open' || state.ranges.length > 0) fail(NFS4.ERR_LOCKS_HELD);
    locks.drop(state);
    return {};
  },

  TEST_STATEID(context, { stateids }) {
    const { id } = client(context);
    const { table } = context.server.state;
    const statuses = stateids.map((stateid) => {
      if (specialOf(stateid) !== undefined) return NFS4.ERR_BAD_STATEID;
      const found = table.check(stateid, id);
      return isState(found) ? NFS4.OK : found;
    });
    return { statuses };
  },
};
