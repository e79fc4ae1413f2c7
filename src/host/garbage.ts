/**
 * Collects this thread's garbage now. V8 itself does so only when it needs room, and an idle daemon would keep all that
 * its start has left. Without `node --expose-gc`, which the image and bin/berth give, nothing happens.
 */
export function collectGarbage(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
