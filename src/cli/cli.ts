import type { Command } from 'commander';
import type { AdminClient } from '../admin/client.ts';
import type { Cluster } from '../cluster/index.ts';
import type { Config, ControllerConfig } from '../config/index.ts';
import { BerthError } from '../errors.ts';
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
  /** Where the NFS server listens, host:port; by default on a free port of the loopback address. */
  listen?: string | undefined;
  /** CIDR blocks of the clients that may come; required when others than this machine can. */
  allow: string[];
  /** Names of volumes that are to be there. */
  volumes: string[];
  /** Of each of these volumes. */
  sizeLimitBytes?: bigint | undefined;
  /** Everything is removed when so much time has gone by since the folder was made. */
  ttlMs?: number | undefined;
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
  kube?: true;
  /** The node whose daemon is asked, by way of the cluster. */
  node?: string;
  kubeconfig?: string;
  context?: string;
  berthNamespace?: string;
}

/** What a command that talks to the daemon gets. */
export interface Session {
  client: AdminClient;
  terminal: Terminal;
  json: boolean;
}

/** What a command that asks the whole cluster gets. */
export interface ClusterSession {
  cluster: Cluster;
  /** For the exit code. */
  cli: Cli;
  terminal: Terminal;
  json: boolean;
}

/** Does a command's work where no node is named. */
export type OverNodes<Args extends unknown[]> = (session: ClusterSession, ...args: Args) => Promise<void>;

const KUBE_OPTIONS = ['node', 'kubeconfig', 'context', 'berthNamespace'] as const;

/**
 * A commander action with a connection to the daemon, which is loaded only now: the one on the socket, or with --kube
 * that of a node. `overNodes` takes its place where --kube names no node.
 */
export function withDaemon<Args extends unknown[]>(
  cli: Cli,
  run: (session: Session, ...args: Args) => Promise<void>,
  overNodes?: OverNodes<Args>,
) {
  const { terminal } = cli;
  return async (...all: [...Args, Command]): Promise<void> => {
    const command = all.at(-1) as Command;
    const args = all.slice(0, -1) as Args;
    const globals = command.optsWithGlobals<Globals>();
    const { socket, timeout, json = false, kube, node } = globals;
    if (kube) {
      const cluster = await reachCluster(globals);
      if (node !== undefined) return cluster.ask(node, (client) => run({ client, terminal, json }, ...args));
      if (overNodes !== undefined) return overNodes({ cluster, cli, terminal, json }, ...args);
      throw new BerthError('NODE_REQUIRED', { command: nameOf(command) });
    }
    refuseKubeOptions(globals);
    const { connectAdmin } = await import('../admin/client.ts');
    const client = connectAdmin({ socket, timeoutMs: timeout });
    try {
      await run({ client, terminal, json }, ...args);
    } finally {
      client.close();
    }
  };
}

/** A commander action that only a cluster can answer, with --kube or without. */
export function withCluster<Args extends unknown[]>(cli: Cli, run: OverNodes<Args>) {
  return async (...all: [...Args, Command]): Promise<void> => {
    const globals = (all.at(-1) as Command).optsWithGlobals<Globals>();
    const cluster = await reachCluster(globals);
    await run({ cluster, cli, terminal: cli.terminal, json: globals.json ?? false }, ...(all.slice(0, -1) as Args));
  };
}

async function reachCluster({ kubeconfig, context, berthNamespace, timeout }: Globals): Promise<Cluster> {
  const { openCluster } = await import('../cluster/index.ts');
  return openCluster({ kubeconfig, context, berthNamespace, timeoutMs: timeout });
}

/** Whoever names a node must not be answered by another. */
function refuseKubeOptions(globals: Globals): void {
  const given = KUBE_OPTIONS.find((key) => globals[key] !== undefined);
  if (given === undefined) return;
  const option = given === 'berthNamespace' ? 'berth-namespace' : given;
  throw new BerthError('USAGE_INVALID', { problem: `the option --${option} needs --kube` });
}

const nameOf = (command: Command): string =>
  command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
