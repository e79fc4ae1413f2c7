import type { Command } from 'commander';
import { BerthError } from '../../errors.ts';
import { sizeArgument, textArgument, topologyArgument } from '../arguments.ts';
import type { Cli } from '../cli.ts';
import { examples } from './help.ts';
import { addNodeCommands } from './node.ts';

const CONFIG_MISSING = "required option '--config <file>' not specified";

interface NodeOptions {
  config?: string;
  nodeName?: string;
  zone?: string;
  region?: string;
}

export function addDaemonCommands(program: Command, cli: Cli): void {
  const node = program
    .command('node')
    .helpCommand(false)
    .description('Run the daemon of a node in the foreground. SIGTERM lets running work end, and stops.')
    .option('--config <file>', 'YAML file, see `berth config schema`; required', textArgument)
    .option('--node-name <name>', 'instead of node.name; empty text changes nothing', topologyArgument)
    .option('--zone <zone>', 'instead of node.zone', topologyArgument)
    .option('--region <region>', 'instead of node.region', topologyArgument)
    .addHelpText(
      'after',
      examples('berth node --config /etc/berth/config.yaml', 'berth node --config FILE --node-name "$NODE_NAME"'),
    )
    .action(async ({ config, nodeName, zone, region }: NodeOptions) => {
      // commander would require it of the commands beneath this one, too.
      if (config === undefined) throw new BerthError('USAGE_INVALID', { problem: CONFIG_MISSING });
      const { loadConfig } = await import('../../config/index.ts');
      cli.exitCode = await cli.daemons.runNode(loadConfig(config, { name: nodeName, zone, region }));
    });
  addNodeCommands(node, cli);

  program
    .command('controller')
    .description('Run the controller of a cluster in the foreground: it routes calls to the nodes, and keeps nothing.')
    .requiredOption('--config <file>', 'YAML file, see `berth config schema --controller`', textArgument)
    .addHelpText('after', examples('berth controller --config /etc/berth/controller.yaml'))
    .action(async (options: { config: string }) => {
      const { loadControllerConfig } = await import('../../config/index.ts');
      cli.exitCode = await cli.daemons.runController(loadControllerConfig(options.config));
    });

  program
    .command('check-uninstall')
    .description('Fail while the cluster has volumes of this driver. For the uninstall hook of the Helm chart.')
    .addHelpText('after', examples('berth check-uninstall'))
    .action(async () => {
      await cli.daemons.checkUninstall();
      cli.terminal.out('the cluster has no volumes of Berth\n');
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
