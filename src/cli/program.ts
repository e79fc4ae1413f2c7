import { Command, Option } from 'commander';
import { version } from '../version.ts';
import { durationArgument, textArgument } from './arguments.ts';
import type { Cli } from './cli.ts';
import { addCompletionCommands } from './commands/completion.ts';
import { addConfigCommands } from './commands/config.ts';
import { addDaemonCommands } from './commands/daemon.ts';
import { addDialCommand } from './commands/dial-stdio.ts';
import { addDiskCommands } from './commands/disk.ts';
import { addExplainCommands } from './commands/explain.ts';
import { examples } from './commands/help.ts';
import { addJobCommands } from './commands/job.ts';
import { addPoolCommands } from './commands/pool.ts';
import { addStatusCommand } from './commands/status.ts';
import { addVolumeCommands } from './commands/volume.ts';

const DEFAULT_SOCKET = '/run/berth/admin.sock';
const HELP_MAX_COLUMNS = 100;

/** All commands. Ends by throwing CommanderError, never by exiting; writes help and nothing else by itself. */
export function createProgram(cli: Cli): Command {
  const { terminal } = cli;
  const program = new Command('berth')
    .description('Local volumes for Kubernetes: the daemon of a node, and the command line that talks to it.')
    .version(version, '-V, --version', 'print the version')
    .addOption(
      new Option('--socket <path>', "the daemon's admin socket")
        .default(process.env['BERTH_SOCKET'] || DEFAULT_SOCKET, `BERTH_SOCKET, else ${DEFAULT_SOCKET}`)
        .argParser(textArgument),
    )
    .option('--json', 'print JSON, as docs/reference/cli.md describes it')
    .addOption(
      new Option('--timeout <duration>', 'how long one request may take')
        .default(60_000, '60s')
        .argParser(durationArgument),
    )
    .option('--kube', 'ask the Berth of a Kubernetes cluster: its nodes, or the one that --node names')
    .addOption(new Option('--node <name>', 'with --kube: the node whose daemon is asked').argParser(textArgument))
    .addOption(
      new Option(
        '--kubeconfig <file>',
        'with --kube: as kubectl takes it; else KUBECONFIG, else ~/.kube/config',
      ).argParser(textArgument),
    )
    .addOption(new Option('--context <name>', 'with --kube: of the kubeconfig').argParser(textArgument))
    .addOption(
      new Option('--berth-namespace <name>', 'with --kube: where Berth is installed; found when absent').argParser(
        textArgument,
      ),
    )
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .addHelpText(
      'after',
      examples(
        'berth dev                                   # try it out, without config',
        'berth status                                # how the daemon of this node is',
        'berth volume create data --size 10Gi',
        'berth volume mount data /mnt/data',
      ),
    )
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: terminal.out,
      writeErr: terminal.err,
      outputError: () => {}, // told by runCli
      getOutHelpWidth: () => Math.min(terminal.columns, HELP_MAX_COLUMNS),
      getErrHelpWidth: () => Math.min(terminal.columns, HELP_MAX_COLUMNS),
    })
    .exitOverride();
  // Subcommands take over these settings when they are made.
  addDaemonCommands(program, cli);
  addDialCommand(program);
  addStatusCommand(program, cli);
  addDiskCommands(program, cli);
  addPoolCommands(program, cli);
  addVolumeCommands(program, cli);
  addJobCommands(program, cli);
  addExplainCommands(program, cli);
  addConfigCommands(program, cli);
  addCompletionCommands(program, cli);
  return program;
}
