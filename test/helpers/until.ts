import { setTimeout as delay } from 'node:timers/promises';

/** Waits for something that comes in its own time; throws with `what` when it does not come within the limit. */
export async function until(
  what: string | (() => string),
  holds: () => boolean | Promise<boolean>,
  limitMs = 30_000,
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > end)
      throw new Error(`still not so after ${limitMs} ms: ${typeof what === 'string' ? what : what()}`);
    await delay(25);
  }
}
