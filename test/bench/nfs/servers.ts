import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LoopLab } from '../../helpers/loop.ts';
import type { Bench } from '../bench.ts';
import { buildBundle } from '../program.ts';

/** An NFS server in a process of its own, on the loopback, that exports a folder of the lab's disk as /data. */
export interface NfsServerProcess {
  port: number;
  /** The most that was resident since it was started, in MiB. */
  peakMemoryMiB(): number;
  stop(): Promise<void>;
}

const POLL_MS = 50;
const READY_WITHIN_MS = 20_000;

/** Only the server, as a bundle, with the image's options for Node. */
export async function startBerthNfs(bench: Bench, lab: LoopLab, data: string): Promise<NfsServerProcess> {
  const dir = lab.folder('berth-nfs');
  const port = await freePort();
  const { file, nodeOptions } = await buildBundle(bench, 'test/nfs/serve.ts');
  const args = [file, String(port), data, join(dir, 'state')];
  return whenListening(start(bench, dir, process.execPath, args, { NODE_OPTIONS: nodeOptions }), port, dir);
}

/** Debian's nfs-ganesha with its VFS back end, NFSv4.1 only. */
export async function startGanesha(bench: Bench, lab: LoopLab, data: string): Promise<NfsServerProcess> {
  const dir = lab.folder('ganesha');
  const port = await freePort();
  const config = `
NFS_CORE_PARAM { Protocols = 4; NFS_Port = ${port}; Bind_Addr = 127.0.0.1; Enable_NLM = false; Enable_RQUOTA = false; fsid_device = false; }
NFSv4 { Minor_Versions = 1; Lease_Lifetime = 60; Grace_Period = 60; Graceless = true; Only_Numeric_Owners = true; RecoveryBackend = fs; RecoveryRoot = ${dir}; }
EXPORT { Export_Id = 1; Path = ${data}; Pseudo = /data; Protocols = 4; Access_Type = RW; Squash = No_Root_Squash; SecType = sys; FSAL { Name = VFS; } }
`;
  writeFileSync(join(dir, 'ganesha.conf'), config);
  const args = ['-F', '-f', join(dir, 'ganesha.conf'), '-p', join(dir, 'pid'), '-L', join(dir, 'log'), '-N', 'EVENT'];
  return whenListening(start(bench, dir, 'ganesha.nfsd', args), port, dir);
}

function start(
  bench: Bench,
  dir: string,
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): ChildProcess {
  const log = openSync(join(dir, 'output'), 'a');
  const child = spawn(file, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env } });
  closeSync(log);
  child.on('error', () => {});
  bench.onClose(() => stop(child));
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function whenListening(child: ChildProcess, port: number, dir: string): Promise<NfsServerProcess> {
  const giveUpAt = Date.now() + READY_WITHIN_MS;
  while (!(await listens(port))) {
    if (child.pid === undefined)
      throw new Error(`${child.spawnfile} is missing: apt-get install nfs-ganesha nfs-ganesha-vfs`);
    if (child.exitCode !== null || Date.now() > giveUpAt) {
      throw new Error(`${child.spawnfile} does not serve: ${readFileSync(join(dir, 'output'), 'utf8').slice(-2_000)}`);
    }
    await delay(POLL_MS);
  }
  const of = (file: string): string => readFileSync(`/proc/${child.pid}/${file}`, 'utf8');
  return {
    port,
    peakMemoryMiB: () => Number(/^VmHWM:\s+(\d+) kB$/m.exec(of('status'))![1]) / 1024,
    stop: () => stop(child),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
