import { runCli } from './cli/index.ts';

process.exitCode = await runCli(process.argv.slice(2), {
  runNode: async (config) => (await import('./node/daemon.ts')).runNode(config),
  runDev: async (options) => (await import('./dev/dev.ts')).runDev(options),
});
