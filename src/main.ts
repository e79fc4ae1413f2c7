import { runCli } from './cli/index.ts';

process.exitCode = await runCli(process.argv.slice(2), {
  runNode: async (config) => (await import('./node/daemon.ts')).runNode(config),
  runController: async (config) => (await import('./controller/controller.ts')).runController(config),
  checkUninstall: async () => (await import('./controller/uninstall.ts')).checkUninstall(),
  runDev: async (options) => (await import('./dev/dev.ts')).runDev(options),
});
