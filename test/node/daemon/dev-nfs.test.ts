import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../../../src/host/run.ts';
import { until } from '../../helpers/until.ts';
import { type Files, filesOf } from '../../nfs/client/files.ts';
import { openSession } from '../../nfs/client/session.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** Another user, who may read everything: the checkout can lie in a folder that is closed to others. */
const NOBODY = [
  'setpriv',
  ...['--reuid=65534', '--regid=65534', '--clear-groups'],
  ...['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'],
];

let dir: string;
let child: ChildProcess | undefined;
let ended: Promise<number | null>;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'berth-dev-nfs-'));
});
afterEach(async () => {
  await stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Starts `berth dev` in a process of its own. Returns the port of its NFS server. */
async function startDev(args: string[], { asNobody = false } = {}): Promise<number> {
  const program = [process.execPath, 'src/main.ts', 'dev', '--dir', join(dir, 'data'), '--size', '1Gi', ...args];
  const [file, ...rest] = [...(asNobody ? NOBODY : []), ...program];
  const started = spawn(file!, rest, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  child = started;
  ended = new Promise((resolve) => started.on('exit', resolve));
  let output = '';
  for (const stream of [started.stdout!, started.stderr!]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  await until(
    () => `it is up: ${output}`,
    () => {
      if (started.exitCode !== null) throw new Error(output);
      return output.includes('Ctrl-C');
    },
  );
  return Number(/port=(\d+)/.exec(output)![1]);
}

async function stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
  if (child === undefined) return;
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  await ended;
  child = undefined;
}

const connect = async (port: number): Promise<Files> => filesOf(await openSession({ port }));
const berth = (...args: string[]) =>
  run(join(ROOT, 'bin/berth'), ['--socket', join(dir, 'data/admin.sock'), ...args], { timeoutMs: 30_000 });

test.each([
  ['as root', false],
  ['without root', true],
])('two starts on one folder have the same volume, data and handles, %s', async (_, asNobody) => {
  if (asNobody) chmodSync(dir, 0o777);
  const args = ['--volume', 'scratch', '--nfs-listen'];
  const port = await startDev([...args, '127.0.0.1:0'], { asNobody });
  const before = await connect(port);
  const root = await before.root('scratch');
  const file = await before.open(root, 'data');
  await before.write(file, 0, Buffer.from('kept'), 2);
  await stop('SIGKILL');

  expect(await startDev([...args, `127.0.0.1:${port}`], { asNobody })).toBe(port);
  const after = await connect(port);
  expect((await after.root('scratch')).equals(root)).toBe(true);
  expect((await after.lookup(root, 'data')).equals(file.handle)).toBe(true);
  expect(await after.list(root)).toEqual(['data']);
  expect((await berth('volume', 'list')).stdout.match(/scratch/g)).toHaveLength(1);
});

test('a volume is exported from its creation to its end', async () => {
  const files = await connect(await startDev([]));
  await expect(files.root('demo')).rejects.toThrow('NOENT');
  await berth('volume', 'create', 'demo', '--size', '64Mi');
  const root = await files.root('demo');
  const file = await files.open(root, 'full');
  const write = (): Promise<unknown> => files.write(file, 0, Buffer.alloc(1 << 20), 2);
  await write();
  await expect(
    (async () => {
      for (let at = 0; at < 128; at++) await files.write(file, at << 20, Buffer.alloc(1 << 20, at + 1), 2);
    })(),
  ).rejects.toThrow(/DQUOT|NOSPC/);
  await berth('volume', 'delete', 'demo', '--yes');
  await expect(files.getattr(root, 'size')).rejects.toThrow('STALE');
  await expect(files.root('demo')).rejects.toThrow('NOENT');
});

test('without root a volume that is found to be full takes no more', async () => {
  chmodSync(dir, 0o777);
  const files = await connect(await startDev(['--volume', 'scratch', '--size-limit', '2Mi'], { asNobody: true }));
  const file = await files.open(await files.root('scratch'), 'full');
  let at = 0;
  await until(
    'it is found to be full',
    async () => {
      try {
        await files.write(file, (at++ % 8) << 20, Buffer.alloc(1 << 20, 1), 2);
        return false;
      } catch (error) {
        expect(String(error)).toContain('DQUOT');
        return true;
      }
    },
    30_000,
  );
});

test('when its time is over, everything is gone', async () => {
  await startDev(['--volume', 'scratch', '--ttl', '2s']);
  expect(await ended).toBe(0);
  expect(existsSync(join(dir, 'data'))).toBe(false);
});
