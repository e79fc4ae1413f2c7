import { XdrError } from '../xdr/reader.ts';
import type { XdrWriter } from '../xdr/writer.ts';
import type { IncomingCall } from './connection.ts';
import { Accept, AuthStat, type Credentials, deniedReply, mismatchReply, startReply } from './message.ts';

const NFS_PROGRAM = 100003;
const NFS_VERSION = 4;
const PROC_NULL = 0;
const PROC_COMPOUND = 1;

/** COMPOUND's answer; throws XdrError when the arguments are not even the head of one. */
export type CompoundHandler = (call: IncomingCall, credentials: Credentials) => Promise<XdrWriter>;

/** Finds who answers a call, RFC 5531 9: there is one program in one version, with two procedures. */
export function createDispatch(
  compound: CompoundHandler,
  onDefect: (error: unknown) => void,
): (call: IncomingCall) => Promise<XdrWriter> {
  return async (call) => {
    const { xid, credentials } = call;
    if (call.program !== NFS_PROGRAM) return startReply(xid, Accept.PROG_UNAVAIL);
    if (call.version !== NFS_VERSION) return mismatchReply(xid, { low: NFS_VERSION, high: NFS_VERSION });
    if (call.procedure === PROC_NULL) return startReply(xid, Accept.SUCCESS);
    if (call.procedure !== PROC_COMPOUND) return startReply(xid, Accept.PROC_UNAVAIL);
    if (typeof credentials === 'number') return deniedReply(xid, { authStat: credentials });
    // Whoever does not say who they are could only be nobody.
    if (credentials === 'none') return deniedReply(xid, { authStat: AuthStat.TOOWEAK });
    try {
      const body = await compound(call, credentials);
      const reply = startReply(xid, Accept.SUCCESS);
      reply.append(body);
      return reply;
    } catch (error) {
      if (error instanceof XdrError) return startReply(xid, Accept.GARBAGE_ARGS);
      onDefect(error);
      return startReply(xid, Accept.SYSTEM_ERR);
    }
  };
}
