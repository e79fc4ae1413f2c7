import { Worker } from 'node:worker_threads';

/** Beside this file in the sources, beside the bundle once it is built (scripts/build.ts). */
const entry = new URL(
  import.meta.url.endsWith('/pools/spawn.ts') ? './thread.ts' : './pool-thread.mjs',
  import.meta.url,
);

/** Starts a pool's thread. */
export function spawnPoolThread(): Worker {
  return new Worker(entry, {
    // Descriptors come from openat2 as well, which Node does not see.
    trackUnmanagedFds: false,
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
}
