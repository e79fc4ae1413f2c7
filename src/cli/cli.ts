import type { Command } from 'commander';
import type { AdminClient } from '../admin/client.ts';
import type { Config, ControllerConfig } from '../config/index.ts';
import type { Terminal } from './output/terminal.ts';

/** What the command line runs in its own process; `main.ts` gives it, so that it is loaded only when it is needed. */
export interface Daemons {
  /** Serves until it is told to stop. Returns the exit code. */
  runNode(config: Config): Promise<number>;
  runController(config: ControllerConfig): Promise<number>;
  /** Rejects with UNINSTALL_REFUSED while the cluster has volumes of Berth. */
  checkUninstall(): Promise<void>;
  runDev(options: DevOptions): Promise<number>;
}

export interface DevOptions {
  /** Where the pool and the sockets are; a throwaway folder when absent. */
  dir?: string | undefined;
  /** Of the pool. */
  sizeBytes?: bigint | undefined;
  /** Removes what an earlier run left in `dir`, and serves nothing. */
  clean: boolean;
}

export interface Cli {
  terminal: Terminal;
  daemons: Daemons;
  /** Set by commands that end well and yet not with 0. */
  exitCode: number;
}

/** Options that every command takes. */
export interface Globals {
  socket: string;
  json?: true;
  /** Of one request, in ms. */
  timeout: number;
}

/** What a command that talks to the daemon gets. */
export interface Session {
  client: AdminClient;
  terminal: Terminal;
  json: boolean;
}

/** A commander action with a connection to the daemon, which is loaded only now. */
export function withDaemon<Args extends unknown[]>(
  { terminal }: Cli,
  run: (session: Session, ...args: Args) => Promise<void>,
) {
  return async (...args: [...Args, Command]): Promise<void> => {
    const command = args.at(-1) as Command;
    const { socket, timeout, json = false } = command.optsWithGlobals<Globals>();
    const { connectAdmin } = await import('../admin/client.ts');
    const client = connectAdmin({ socket, timeoutMs: timeout });
    try {
      await run({ client, terminal, json }, ...(args.slice(0, -1) as Args));
    } finally {
      client.close();
    }
  };
}
