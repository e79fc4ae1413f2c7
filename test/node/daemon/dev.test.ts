import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readMounts } from '../../../src/host/mountinfo.ts';
import { run } from '../../../src/host/run.ts';
import { loopsBeneath } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** Another user, who may read everything: the checkout can lie in a folder that is closed to others. */
const NOBODY = [
  'setpriv',
  ...['--reuid=65534', '--regid=65534', '--clear-groups'],
  ...['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'],
];

let dir: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'berth-dev-test-'));
});
afterEach(async () => {
  if (child?.exitCode === null && child.signalCode === null) await stop('SIGINT');
  rmSync(dir, { recursive: true, force: true });
});

function startDev(options: { asNobody?: boolean; args?: string[] } = {}): {
  output(): string;
  ended: Promise<number | null>;
} {
  let output = '';
  const program = [
    process.execPath,
    'src/main.ts',
    'dev',
    '--dir',
    join(dir, 'data'),
    '--size',
    '1Gi',
    ...(options.args ?? []),
  ];
  const [file, ...args] = [...(options.asNobody ? NOBODY : []), ...program];
  child = spawn(file!, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = new Promise<number | null>((resolve) => child!.on('exit', resolve));
  return { output: () => output, ended };
}

/** SIGINT comes twice, as it does at Ctrl-C under npm. */
async function stop(signal: NodeJS.Signals): Promise<number | null> {
  const ended = new Promise<number | null>((resolve) => child!.on('exit', resolve));
  if (signal === 'SIGINT')
    child!.stdout!.on('data', (chunk: Buffer) => chunk.includes('stopping') && child!.kill(signal));
  child!.kill(signal);
  return ended;
}

const berth = (...args: string[]) =>
  run(join(ROOT, 'bin/berth'), ['--socket', join(dir, 'data/admin.sock'), ...args], { timeoutMs: 30_000 });

test('as root: a limited pool, and at Ctrl-C nothing is left mounted or attached, in use or not', async () => {
  const { output } = startDev();
  await until(
    () => `it is up: ${output()}`,
    () => output().includes('Ctrl-C'),
  );
  expect(output()).toContain('hard size limits');
  const target = join(dir, 'mounted');
  await berth('volume', 'create', 'demo', '--size', '64Mi');
  await berth('volume', 'mount', 'demo', target);
  expect(() => writeFileSync(join(target, 'fill'), Buffer.alloc(100 << 20))).toThrow();
  expect(await stop('SIGINT')).toBe(0);
  expect(readMounts().filter(({ mountPoint }) => mountPoint.startsWith(dir))).toEqual([]);
  expect(loopsBeneath(dir)).toEqual([]);
});

test('what a killed run left is taken up by the next, and volumes are there again', async () => {
  const first = startDev();
  await until('it is up', () => first.output().includes('Ctrl-C'));
  await berth('volume', 'create', 'demo', '--size', '64Mi');
  await stop('SIGKILL');
  const second = startDev();
  await until(
    () => `it is up again: ${second.output()}`,
    () => second.output().includes('Ctrl-C'),
  );
  expect((await berth('volume', 'list')).stdout).toContain('demo');
  expect(await stop('SIGTERM')).toBe(0);
  expect(loopsBeneath(dir)).toEqual([]);
});

test('--clean removes what it made, and never a folder of somebody else', async () => {
  const { output } = startDev();
  await until('it is up', () => output().includes('Ctrl-C'));
  await stop('SIGINT');
  expect(await startDev({ args: ['--clean'] }).ended).toBe(0);
  expect(existsSync(join(dir, 'data'))).toBe(false);

  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'data/thesis.txt'), 'years of work');
  const refused = startDev({ args: ['--clean'] });
  expect(await refused.ended).toBe(1);
  expect(refused.output()).toContain('POOL_UNSUITABLE');
  expect(readdirSync(join(dir, 'data'))).toEqual(['thesis.txt']);
});

test('without root: a directory pool that says that it has no limits, and refuses to mount', async () => {
  chmodSync(dir, 0o777);
  const { output } = startDev({ asNobody: true });
  await until(
    () => `it is up: ${output()}`,
    () => output().includes('Ctrl-C'),
  );
  expect(output()).toContain('SIZES ARE NOT ENFORCED');
  await berth('volume', 'create', 'demo', '--size', '64Mi');
  await expect(berth('volume', 'mount', 'demo', join(dir, 'mounted'))).rejects.toMatchObject({
    stderr: expect.stringContaining('ROOT_REQUIRED'),
  });
  expect(await stop('SIGINT')).toBe(0);
});
