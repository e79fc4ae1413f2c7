import { isMainThread, workerData } from 'node:worker_threads';
import { POOL_ROLE } from './pools/spawn.ts';

// One entry for the command line and for the threads of pools, so that one bundled file is all there is.
if (!isMainThread && workerData?.role === POOL_ROLE) {
  const { runPoolThread } = await import('./pools/worker.ts');
  runPoolThread();
} else {
  const { runCli } = await import('./cli/index.ts');
  process.exitCode = await runCli(process.argv.slice(2), {
    runNode: async (config) => (await import('./node/daemon.ts')).runNode(config),
    runDev: async (options) => (await import('./dev/dev.ts')).runDev(options),
  });
}
