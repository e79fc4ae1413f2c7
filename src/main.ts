import { isMainThread } from 'node:worker_threads';
import { boundHeapGrowth } from './host/garbage.ts';

// Each role loads only what it needs. In the bundle the thread of a pool starts here, too.
if (isMainThread) {
  boundHeapGrowth();
  const { runCli } = await import('./cli/index.ts');
  process.exitCode = await runCli(process.argv.slice(2), {
    runNode: async (config) => (await import('./node/daemon.ts')).runNode(config),
    runController: async (config) => (await import('./controller/controller.ts')).runController(config),
    checkUninstall: async () => (await import('./controller/uninstall.ts')).checkUninstall(),
    runDev: async (options) => (await import('./dev/dev.ts')).runDev(options),
  });
} else {
  await import('./pools/thread.ts');
}
