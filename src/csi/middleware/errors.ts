import { BerthError } from '../../errors.ts';
import type { Middleware } from '../compose.ts';

/**
 * Lets BerthErrors out. Anything else is a bug, and so is what a pool's thread already made an INTERNAL of: its text
 * stays in the log, and the caller gets the request id.
 */
export const mapErrors: Middleware = async (_request, call, next) => {
  try {
    return await next(call);
  } catch (cause) {
    if (cause instanceof BerthError && cause.code !== 'INTERNAL') throw cause;
    throw new BerthError('INTERNAL', { problem: `see the log, request id ${call.requestId}` }, { cause });
  }
};
