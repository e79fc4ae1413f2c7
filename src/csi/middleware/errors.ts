import { BerthError } from '../../errors.ts';
import type { Middleware } from '../compose.ts';

/** Lets only BerthError out. Anything else is a bug: its text stays in the log, and the caller gets the request id. */
export const mapErrors: Middleware = async (_request, call, next) => {
  try {
    return await next(call);
  } catch (cause) {
    if (cause instanceof BerthError) throw cause;
    throw new BerthError('INTERNAL', { problem: `see the log, request id ${call.requestId}` }, { cause });
  }
};
