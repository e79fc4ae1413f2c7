import { BindDirection, CREATE_SESSION_FLAGS, EXCHANGE_MASK_ARGUMENTS, Exchange } from '../protocol/flags.ts';
import type { Result } from '../protocol/operations.ts';
import type { Channel } from '../protocol/state.ts';
import { fail, NFS4 } from '../protocol/status.ts';
import { exchangeFlags } from '../state/clients.ts';
import { negotiate } from '../state/sessions.ts';
import { client, current, type Handlers } from './context.ts';

type Names =
  | 'EXCHANGE_ID'
  | 'CREATE_SESSION'
  | 'DESTROY_SESSION'
  | 'DESTROY_CLIENTID'
  | 'BIND_CONN_TO_SESSION'
  | 'BACKCHANNEL_CTL'
  | 'RECLAIM_COMPLETE';

/** A channel that is not there: the server never calls back. */
const noChannel = (asked: Channel): Channel => ({ ...asked, headerPadBytes: 0, rdmaInlineReadBytes: [] });
const text = (bytes: Buffer): string => bytes.toString('latin1');

/** Clients and their sessions, RFC 8881 18.34 to 18.37, 18.50, 18.51. */
export const sessionHandlers: Pick<Handlers, Names> = {
  EXCHANGE_ID(context, { verifier, owner, flags, protection }) {
    if ((flags & ~EXCHANGE_MASK_ARGUMENTS) !== 0) fail(NFS4.ERR_INVAL);
    if (protection.how === 2) fail(NFS4.ERR_ENCR_ALG_UNSUPP);
    // Machine credentials need RPCSEC_GSS.
    if (protection.how === 1) fail(NFS4.ERR_INVAL);
    const { server, principal } = context;
    const record = server.state.clients.exchange({
      owner: text(owner),
      verifier: text(verifier),
      principal,
      update: (flags & Exchange.UPD_CONFIRMED_REC_A) !== 0,
    });
    return {
      clientId: record.id,
      sequence: record.nextSequence,
      flags: exchangeFlags(record),
      protection: { how: 0 },
      serverMinor: 0n,
      serverMajor: server.scope,
      scope: server.scope,
      implementation: [],
    };
  },

  CREATE_SESSION(context, { clientId, sequence, flags, fore, back }) {
    const { clients, sessions } = context.server.state;
    const record = clients.find(clientId);
    if (sequence === record.nextSequence - 1 && record.lastSession !== undefined) {
      return record.lastSession as Result<'CREATE_SESSION'>;
    }
    if (sequence !== record.nextSequence) fail(NFS4.ERR_SEQ_MISORDERED);
    if ((flags & ~CREATE_SESSION_FLAGS) !== 0) fail(NFS4.ERR_INVAL);
    if (!record.confirmed && record.principal !== context.principal) fail(NFS4.ERR_CLID_INUSE);
    const channel = negotiate(fore, context.server.limits);
    const session = sessions.create(record, channel);
    clients.confirm(record);
    record.renewedMs = context.server.clock.now();
    record.nextSequence += 1;
    const result: Result<'CREATE_SESSION'> = {
      sessionId: session.id,
      sequence,
      flags: 0,
      fore: channel,
      back: noChannel(back),
    };
    record.lastSession = result;
    context.call.trust();
    return result;
  },

  DESTROY_SESSION(context, { sessionId }) {
    const { sessions } = context.server.state;
    sessions.remove(sessions.find(sessionId) ?? fail(NFS4.ERR_BADSESSION));
    return {};
  },

  DESTROY_CLIENTID(context, { clientId }) {
    const { clients, expire } = context.server.state;
    const record = clients.find(clientId);
    if (record.sessions.size > 0 || record.opens.size > 0) fail(NFS4.ERR_CLIENTID_BUSY);
    expire(record);
    return {};
  },

  /** Sessions go with any connection; only a back channel would be bound to one, and there is none. */
  BIND_CONN_TO_SESSION(context, { sessionId, direction }) {
    if (context.server.state.sessions.find(sessionId) === undefined) fail(NFS4.ERR_BADSESSION);
    const known: number[] = [BindDirection.FORE, BindDirection.FORE_OR_BOTH, BindDirection.BACK_OR_BOTH];
    if (!known.includes(direction)) fail(NFS4.ERR_INVAL);
    return { sessionId, direction: BindDirection.FORE, rdma: false };
  },

  BACKCHANNEL_CTL: () => fail(NFS4.ERR_NOTSUPP),

  async RECLAIM_COMPLETE(context, { oneFileSystem }) {
    const record = client(context);
    if (oneFileSystem) {
      // Nothing moves from one server to another.
      current(context);
      return {};
    }
    if (record.isReclaimComplete) fail(NFS4.ERR_COMPLETE_ALREADY);
    await context.server.state.completeReclaim(record);
    return {};
  },
};
