import { Worker } from 'node:worker_threads';

/** Its own file in the sources; a part of the bundle starts the bundle's one program, which sees that it is no main thread. */
const entry = new URL(import.meta.url.endsWith('/pools/spawn.ts') ? './thread.ts' : '../berth.mjs', import.meta.url);

/** Starts a pool's thread. */
export function spawnPoolThread(): Worker {
  return new Worker(entry, {
    // Descriptors come from openat2 as well, which Node does not see.
    trackUnmanagedFds: false,
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
}
