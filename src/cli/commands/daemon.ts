import type { Command } from 'commander';
import { sizeArgument, textArgument } from '../arguments.ts';
import type { Cli } from '../cli.ts';
import { examples } from './help.ts';

export function addDaemonCommands(program: Command, cli: Cli): void {
  program
    .command('node')
    .description('Run the daemon of a node in the foreground. SIGTERM lets running work end, and stops.')
    .requiredOption('--config <file>', 'YAML file, see `berth config schema`', textArgument)
    .addHelpText('after', examples('berth node --config /etc/berth/config.yaml'))
    .action(async (options: { config: string }) => {
      const { loadConfig } = await import('../../config/index.ts');
      cli.exitCode = await cli.daemons.runNode(loadConfig(options.config));
    });

  program
    .command('dev')
    .description('Run a daemon with one throwaway pool, without config or cluster. Ctrl-C stops and cleans up.')
    .option('--dir <folder>', 'keep the pool and the sockets here; a temporary folder when absent', textArgument)
    .option('--size <size>', 'of the pool, such as 10Gi', sizeArgument)
    .option('--clean', 'remove what an earlier run left in the folder, and end')
    .addHelpText(
      'after',
      examples('berth dev', 'berth dev --dir /tmp/berth --size 20Gi', 'berth dev --dir /tmp/berth --clean'),
    )
    .action(async ({ dir, size, clean = false }: { dir?: string; size?: bigint; clean?: boolean }) => {
      cli.exitCode = await cli.daemons.runDev({ dir, sizeBytes: size, clean });
    });
}
