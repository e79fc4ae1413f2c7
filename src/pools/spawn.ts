import { Worker } from 'node:worker_threads';

/** Told to a thread by `workerData`, so that the program's one entry knows what it is to be. */
export const POOL_ROLE = 'berth-pool';

/**
 * Starts a pool's thread from the program's entry: src/main.ts in a checkout, and in a bundle the bundle itself, which
 * is then this very file.
 */
export function spawnPoolThread(): Worker {
  const entry = import.meta.url.endsWith('/pools/spawn.ts') ? new URL('../main.ts', import.meta.url) : new URL(import.meta.url);
  return new Worker(entry, {
    workerData: { role: POOL_ROLE },
    // Descriptors come from openat2 as well, which Node does not see.
    trackUnmanagedFds: false,
    resourceLimits: { maxYoungGenerationSizeMb: 16 },
  });
}
