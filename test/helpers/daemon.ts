import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AdminClient, connectAdmin } from '../../src/admin/client.ts';
import { type CsiClient, connectCsi } from '../csi/client.ts';
import { until } from './until.ts';

const ROOT = join(import.meta.dirname, '../..');
const ADMIN_TIMEOUT_MS = 30_000;

export interface DaemonOptions {
  /** Holds the config, the state, the sockets and the log of this daemon; two daemons have one each. */
  dir: string;
  nodeName?: string;
  /** As in the config file. */
  pools: readonly object[];
  /** Other sections of the config file. */
  config?: object;
  env?: Record<string, string>;
}

/** A running `berth node`. */
export interface Daemon {
  readonly pid: number;
  readonly csi: CsiClient;
  readonly admin: AdminClient;
  /** All that it has logged so far. */
  log(): string;
  /** `http://127.0.0.1:PORT` */
  httpUrl(): Promise<string>;
  /** What it ended with: the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

/** Starts `berth node` in a process of its own and waits until it answers; its pools may still be opening. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { child, ended, log, saidUp, paths } = spawnDaemon(options);
  let over: number | NodeJS.Signals | undefined;
  void ended.then((how) => {
    over = how;
  });
  const mustRun = (): void => {
    if (over !== undefined) throw new Error(`the daemon ended with ${over}: ${log()}`);
  };
  // A client that calls too early waits a second before it tries again.
  await until('the daemon is up', () => {
    mustRun();
    return saidUp();
  });
  const csi = connectCsi(paths.csi);
  const admin = connectAdmin({ socket: paths.admin, timeoutMs: ADMIN_TIMEOUT_MS });
  await until('the daemon answers', async () => {
    mustRun();
    return csi.call('Probe', {}, { timeoutMs: 1_000 }).then(
      () => true,
      () => false,
    );
  });
  return {
    pid: child.pid!,
    csi,
    admin,
    log,
    httpUrl: async () => `http://${(await admin.status()).http_listen}`,
    ended,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const how = await ended;
      csi.close();
      admin.close();
      return how;
    },
  };
}

/** Runs `berth node` to its end, for a daemon that must refuse to start. */
export async function runDaemon(options: DaemonOptions): Promise<{ exitCode: number | NodeJS.Signals; log: string }> {
  const { ended, log } = spawnDaemon(options);
  return { exitCode: await ended, log: log() };
}

function spawnDaemon({ dir, nodeName = 'n1', pools, config: sections = {}, env = {} }: DaemonOptions): {
  child: ChildProcess;
  ended: Promise<number | NodeJS.Signals>;
  log(): string;
  saidUp(): boolean;
  paths: { csi: string; admin: string };
} {
  mkdirSync(dir, { recursive: true });
  const paths = { csi: join(dir, 'csi.sock'), admin: join(dir, 'admin.sock') };
  const config = join(dir, 'berth.yaml');
  const content = {
    node: { name: nodeName, stateDir: join(dir, 'state') },
    csi: { endpoint: `unix://${paths.csi}` },
    admin: { socket: paths.admin },
    http: { listen: '127.0.0.1:0' },
    pools,
    ...sections,
  };
  writeFileSync(config, JSON.stringify(content)); // JSON is YAML
  const logPath = join(dir, 'log');
  const logFd = openSync(logPath, 'a');
  const log = (): string => readFileSync(logPath, 'utf8');
  const logStart = log().length;
  const child = spawn(process.execPath, ['src/main.ts', 'node', '--config', config], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', logFd, logFd],
  });
  closeSync(logFd);
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on('exit', (code, signal) => resolve(code ?? signal!));
  });
  return { child, ended, log, saidUp: () => log().includes('berth is up', logStart), paths };
}
