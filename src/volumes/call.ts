import { randomUUID } from 'node:crypto';
import type { Call } from './model.ts';

/** A call that nobody has made from outside, such as the daemon's own. */
export const callWithin = (timeoutMs: number): Call => ({
  deadline: Date.now() + timeoutMs,
  requestId: randomUUID(),
});
