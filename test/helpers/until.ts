import { setTimeout as delay } from 'node:timers/promises';

/** The guest of test/vm is an emulated machine, many times slower. */
const LIMIT_MS = process.env['VM'] ? 120_000 : 30_000;

/** Waits for something that comes in its own time; throws with `what` when it does not come within the limit. */
export async function until(
  what: string | (() => string),
  holds: () => boolean | Promise<boolean>,
  limitMs = LIMIT_MS,
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > end)
      throw new Error(`still not so after ${limitMs} ms: ${typeof what === 'string' ? what : what()}`);
    await delay(25);
  }
}
