import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoopLab } from '../helpers/loop.ts';
import type { Agent } from './agent.ts';
import type { Bench } from './bench.ts';
import type { LoadWork } from './load.ts';

const ROOT = join(import.meta.dirname, '../..');

/** How Berth is started: from its sources, or from the bundle with the options that the image gives to Node. */
export interface Program {
  file: string;
  nodeOptions: string;
}

export const sources: Program = { file: join(ROOT, 'src/main.ts'), nodeOptions: '' };

/** A pool of the config; its name is its class. Sizes are promised many times over, so that thousands fit. */
export type PoolPlan =
  | { name: string; backend: 'btrfs'; device: string }
  | { name: string; backend: 'image'; directory: string };

/** A configured daemon that can be started, stopped and started again on the same pools. */
export interface Site {
  /** Where the pool of disks that has this volume is mounted. */
  poolPath(volumeId: string): string;
  start(program: Program): Promise<RunningBerth>;
}

export interface RunningBerth {
  pid: number;
  /** From the start of the process until it was ready and gave a first page of its volumes. */
  readyMs: number;
  stop(): Promise<void>;
}

export function createSite(bench: Bench, lab: LoopLab, load: Agent<LoadWork>, pools: readonly PoolPlan[]): Site {
  const dir = lab.folder('berth');
  const socket = join(dir, 'csi.sock');
  const stateDir = join(dir, 'state');
  const config = join(dir, 'berth.yaml');
  const content = {
    node: { name: 'bench', stateDir },
    csi: { endpoint: `unix://${socket}` },
    admin: { socket: join(dir, 'admin.sock') },
    http: { listen: '127.0.0.1:0' },
    pools: pools.map((pool) => ({
      name: pool.name,
      class: pool.name,
      backend: pool.backend,
      overcommit: 100,
      reserve: '1%',
      ...('device' in pool ? { disks: [{ path: pool.device, allowLoop: true }] } : { directory: pool.directory }),
    })),
  };
  writeFileSync(config, JSON.stringify(content)); // JSON is YAML
  const logPath = join(dir, 'log');

  const start = async ({ file, nodeOptions }: Program): Promise<RunningBerth> => {
    const log = openSync(logPath, 'a');
    const ready = load.ask('connect', { socket });
    const startedAt = performance.timeOrigin + performance.now();
    const child = spawn(process.execPath, [file, 'node', '--config', config], {
      env: { ...process.env, NODE_OPTIONS: nodeOptions },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const exit = once(child, 'exit');
    const stop = async (): Promise<void> => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await exit;
    };
    bench.onClose(stop);
    const end = exit.then(([code, signal]) => {
      throw new Error(`berth ended with ${signal ?? code}: ${readFileSync(logPath, 'utf8').slice(-2_000)}`);
    });
    const readyAt = await Promise.race([ready, end]);
    end.catch(() => {}); // from here on an end is a stop
    return { pid: child.pid!, readyMs: readyAt - startedAt, stop };
  };
  return { poolPath: (volumeId) => join(stateDir, 'pools', volumeId.split('.')[0]!), start };
}
