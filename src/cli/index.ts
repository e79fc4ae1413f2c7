import { CommanderError } from 'commander';
import { BerthError } from '../errors.ts';
import type { Cli, Daemons } from './cli.ts';
import { EXIT, reportFailure } from './failure.ts';
import { processTerminal, type Terminal } from './output/terminal.ts';
import { createProgram } from './program.ts';

export type { Daemons, DevOptions } from './cli.ts';

/** Runs one command line, without `node` and the script before it, and returns the exit code. Never rejects. */
export async function runCli(
  args: readonly string[],
  daemons: Daemons,
  terminal: Terminal = processTerminal(),
): Promise<number> {
  const cli: Cli = { terminal, daemons, exitCode: EXIT.ok };
  try {
    await createProgram(cli).parseAsync(args, { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error, terminal);
    if (error.exitCode === 0) return EXIT.ok; // --help, --version
    if (error.code === 'commander.help') return EXIT.usage; // a command that needs another one after it
    const problem = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
    return reportFailure(new BerthError('USAGE_INVALID', { problem }), terminal);
  }
}
