import { setFlagsFromString } from 'node:v8';

/**
 * Collects this thread's garbage now. V8 itself does so only when it needs room, and an idle daemon would keep all that
 * its start has left. Without `node --expose-gc`, which the image and bin/berth give, nothing happens.
 */
export function collectGarbage(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/**
 * Lets the heap grow by a third of what is alive before it is collected again, and not to a multiple of it, which V8
 * takes where the machine has memory: a daemon shares the node with what it is there for.
 */
export function boundHeapGrowth(): void {
  setFlagsFromString('--heap-growing-percent=30');
}
