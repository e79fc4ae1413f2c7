import { type AdminClient, connectAdmin } from '../admin/client.ts';
import { BerthError, toBerthError } from '../errors.ts';
import { mapBounded } from '../map-bounded.ts';
import type { Api } from './api.ts';
import type { DaemonPod, Installation } from './daemons.ts';
import { openExecStream } from './exec-stream.ts';
import { openTunnel } from './tunnel.ts';

/** Connects its standard input and output with the daemon's admin socket. */
const DIAL = ['berth', 'dial-stdio'];
const NODES_AT_ONCE = 8;

/** What a node said, or why it did not. */
export type Answer<T> = { node: string; value: T } | { node: string; error: Problem };

/** A BerthError, or one of the daemon that is known by its words only. */
export interface Problem {
  code: string;
  message: string;
}

export interface Asker {
  /** Rejects with NODE_UNKNOWN, NODE_UNREACHABLE, or what `use` rejects with. */
  ask<T>(node: string, use: (client: AdminClient) => Promise<T>): Promise<T>;
  /** All nodes, some at a time, in the order of their names. Never rejects. */
  askAll<T>(use: (client: AdminClient) => Promise<T>): Promise<Answer<T>[]>;
}

export function createAsker({ exec }: Api, { daemons }: Installation, timeoutMs: number): Asker {
  async function askDaemon<T>(daemon: DaemonPod, use: (client: AdminClient) => Promise<T>): Promise<T> {
    const { node, namespace, name: pod, container, problem } = daemon;
    if (problem !== undefined) throw new BerthError('NODE_UNREACHABLE', { node, problem });
    const tunnel = await openTunnel(() => openExecStream(exec, { namespace, pod, container, command: DIAL }));
    const client = connectAdmin({ socket: tunnel.socket, timeoutMs });
    try {
      return await use(client);
    } catch (error) {
      const failure = tunnel.failure();
      if ((error as Partial<Problem>).code !== 'DAEMON_UNREACHABLE' || failure === undefined) throw error;
      throw new BerthError('NODE_UNREACHABLE', { node, problem: failure.message }, { cause: failure });
    } finally {
      client.close();
      tunnel.close();
    }
  }

  return {
    ask(node, use) {
      const daemon = daemons.find((one) => one.node === node);
      if (daemon !== undefined) return askDaemon(daemon, use);
      const nodes = daemons.map((one) => one.node).join(', ');
      return Promise.reject(new BerthError('NODE_UNKNOWN', { node, nodes }));
    },
    askAll: (use) =>
      mapBounded(daemons, NODES_AT_ONCE, async (daemon) => {
        try {
          return { node: daemon.node, value: await askDaemon(daemon, use) };
        } catch (error) {
          return { node: daemon.node, error: toProblem(error) };
        }
      }),
  };
}

const toProblem = (error: unknown): Problem =>
  error instanceof Error && 'code' in error
    ? { code: String(error.code), message: error.message }
    : toBerthError(error);
