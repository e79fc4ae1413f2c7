import { connect } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { BerthError } from '../../errors.ts';
import type { Globals } from '../cli.ts';

/** The far end of `--kube`: what comes in goes to the daemon's socket, and what it answers goes out. */
export function addDialCommand(program: Command): void {
  program.command('dial-stdio', { hidden: true }).action(async (_: object, command: Command) => {
    const { socket: path } = command.optsWithGlobals<Globals>();
    const socket = connect({ path, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', ({ message }) => {
        reject(new BerthError('DAEMON_UNREACHABLE', { socket: path, problem: message }));
      });
    });
    const inward = pipeline(process.stdin, socket);
    await pipeline(socket, process.stdout, { end: false });
    // The daemon has hung up: nobody reads what still comes in.
    process.stdin.destroy();
    await inward.catch(() => {});
  });
}
