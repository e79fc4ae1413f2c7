import { type Command, Option } from 'commander';
import { isLoopback } from '../../config/network.ts';
import { BerthError } from '../../errors.ts';
import {
  addressArgument,
  cidrArgument,
  durationArgument,
  listenArgument,
  sizeArgument,
  textArgument,
  topologyArgument,
} from '../arguments.ts';
import type { Cli } from '../cli.ts';
import { examples } from './help.ts';
import { addNodeCommands } from './node.ts';

const CONFIG_MISSING = "required option '--config <file>' not specified";

interface NodeOptions {
  config?: string;
  nodeName?: string;
  zone?: string;
  region?: string;
  nodeAddress?: string;
}

interface DevArguments {
  dir?: string;
  size?: bigint;
  volume: string[];
  sizeLimit?: bigint;
  listen?: string;
  nfsListen?: string;
  allow: string[];
  ttl?: number;
  clean?: boolean;
}

const collect =
  (parse: (value: string) => string) =>
  (value: string, before: string[]): string[] => [...before, parse(value)];

export function addDaemonCommands(program: Command, cli: Cli): void {
  const node = program
    .command('node')
    .helpCommand(false)
    .description('Run the daemon of a node in the foreground. SIGTERM lets running work end, and stops.')
    .option('--config <file>', 'YAML file, see `berth config schema`; required', textArgument)
    .option('--node-name <name>', 'instead of node.name; empty text changes nothing', topologyArgument)
    .option('--zone <zone>', 'instead of node.zone', topologyArgument)
    .option('--region <region>', 'instead of node.region', topologyArgument)
    .option('--node-address <ip>', 'instead of node.address; empty text changes nothing', addressArgument)
    .addHelpText(
      'after',
      examples('berth node --config /etc/berth/config.yaml', 'berth node --config FILE --node-name "$NODE_NAME"'),
    )
    .action(async ({ config, nodeName, zone, region, nodeAddress }: NodeOptions) => {
      // commander would require it of the commands beneath this one, too.
      if (config === undefined) throw new BerthError('USAGE_INVALID', { problem: CONFIG_MISSING });
      const { loadConfig } = await import('../../config/index.ts');
      cli.exitCode = await cli.daemons.runNode(
        loadConfig(config, { name: nodeName, zone, region, address: nodeAddress }),
      );
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
    .description(
      'Run a daemon with one throwaway pool and an NFS server, without config or cluster. Ctrl-C stops and cleans up.',
    )
    .option('--dir <folder>', 'keep the pool and the sockets here; a temporary folder when absent', textArgument)
    .option('--size <size>', 'of the pool, such as 10Gi', sizeArgument)
    .option(
      '--volume <name>',
      'a volume to make unless it is there, exported as /NAME; may be repeated',
      collect(textArgument),
      [],
    )
    .option('--size-limit <size>', 'of these volumes; without root it holds within seconds only', sizeArgument)
    .option('--listen <address>', 'of the NFS server, host:port; 127.0.0.1 and a free port when absent', listenArgument)
    .addOption(new Option('--nfs-listen <address>', 'the same as --listen').argParser(listenArgument).hideHelp())
    .option(
      '--allow <cidr>',
      'clients of the NFS server that are not this machine; may be repeated',
      collect(cidrArgument),
      [],
    )
    .option('--ttl <duration>', 'end, and remove everything, so long after the folder was made', durationArgument)
    .option('--clean', 'remove what an earlier run left in the folder, and end')
    .addHelpText(
      'after',
      examples(
        'berth dev',
        'berth dev --dir /tmp/berth --volume scratch --listen 127.0.0.1:2049',
        'berth dev --dir /tmp/berth --listen 192.0.2.7:2049 --allow 192.0.2.0/24 --ttl 8h',
        'berth dev --dir /tmp/berth --clean',
      ),
    )
    .action(async ({ size, volume, sizeLimit, nfsListen, ttl, clean = false, ...rest }: DevArguments) => {
      const listen = rest.listen ?? nfsListen;
      if (listen !== undefined && !isLoopback(listen) && rest.allow.length === 0) {
        throw new BerthError('USAGE_INVALID', {
          problem: `--listen ${listen} is open to others: say to whom with --allow`,
        });
      }
      cli.exitCode = await cli.daemons.runDev({
        ...rest,
        sizeBytes: size,
        volumes: volume,
        sizeLimitBytes: sizeLimit,
        listen,
        ttlMs: ttl,
        clean,
      });
    });
}
