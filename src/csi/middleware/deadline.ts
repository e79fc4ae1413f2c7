import { BerthError } from '../../errors.ts';
import type { CsiCall, Middleware } from '../compose.ts';

const MAX_MARGIN_MS = 250;

/**
 * Sets `call.deadline` a margin before the client gives up, so that the answer reaches it, and answers by itself when
 * half of that margin is gone too. What was begun goes on and keeps its lock (CSI 1.13 "Timeouts": a retried call
 * continues it).
 */
export function keepDeadline(options: { defaultMs: number }): Middleware {
  return (_request, call, next) => {
    const now = Date.now();
    const remainingMs = call.clientDeadline === undefined ? options.defaultMs : Math.max(0, call.clientDeadline - now);
    const marginMs = Math.min(MAX_MARGIN_MS, remainingMs / 10);
    const deadline = now + remainingMs - marginMs;
    return within(next({ ...call, deadline }), remainingMs - marginMs / 2, call);
  };
}

function within(work: Promise<object>, timeoutMs: number, call: CsiCall): Promise<object> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new BerthError('CALL_DEADLINE', { method: call.method })), timeoutMs);
    work.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}
