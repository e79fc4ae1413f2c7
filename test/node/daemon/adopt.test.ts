import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../../../src/host/run.ts';
import { type Daemon, startDaemon } from '../../helpers/daemon.ts';
import { type LoopLab, openLoopLab } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';

const GIB = 2 ** 30;
const BERTH = join(import.meta.dirname, '../../../bin/berth');

let lab: LoopLab;
let daemon: Daemon | undefined;
beforeEach(() => {
  lab = openLoopLab();
});
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
  lab.dispose();
});

const start = async (): Promise<void> => {
  daemon = await startDaemon({ dir: join(lab.dir, 'daemon'), pools: [] });
};
const berth = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await run(BERTH, ['--socket', join(lab.dir, 'daemon/admin.sock'), ...args], {
    timeoutMs: 30_000,
    okCodes: [0, 1, 2, 3],
  });
  return { exitCode, stdout, stderr };
};
const digestOf = async (disk: string): Promise<string> =>
  JSON.parse((await berth('disk', 'explain', disk, '--json')).stdout).digest;
const adopt = (disk: string, pool: string, digest: string) =>
  berth('disk', 'adopt', disk, '--pool', pool, '--class', 'lab', '--backend', 'btrfs', '--digest', digest, '--yes');

test('a disk that an operator adopts is a pool, and is one again after a restart', async () => {
  const { path } = lab.device(GIB);
  await start();
  expect(await adopt(path, 'lab', await digestOf(path))).toMatchObject({ exitCode: 0 });
  const created = await berth('volume', 'create', 'kept', '--size', '64Mi');
  expect(created).toMatchObject({ exitCode: 0 });

  await daemon!.stop();
  await start();
  const volumes = async () => JSON.parse((await berth('volume', 'list', '--json')).stdout);
  await until('the pool is open again', async () => (await volumes()).length === 1);
  expect(await volumes()).toMatchObject([{ name: 'kept', pool: 'lab' }]);
});

test('a disk that was written to since it was shown is refused and left as it is', async () => {
  const { path } = lab.device(GIB);
  await start();
  const digest = await digestOf(path);
  await run('mkfs.ext4', ['-q', '-F', path], { timeoutMs: 30_000 });
  const refused = await adopt(path, 'lab', digest);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toMatch(/DISK_(CHANGED|IN_USE)/);
  const { stdout } = await run('blkid', ['-p', '-o', 'value', '-s', 'TYPE', path], { timeoutMs: 10_000 });
  expect(stdout.trim()).toBe('ext4');
});

test('another digest, another name for the same disk, and no digest at all are refused', async () => {
  const { path } = lab.device(GIB);
  await start();
  expect((await adopt(path, 'lab', '0'.repeat(64))).stderr).toContain('DISK_CHANGED');
  const digest = await digestOf(path);
  expect(await adopt(path, 'lab', digest)).toMatchObject({ exitCode: 0 });
  const again = await adopt(path, 'other', await digestOf(path));
  expect(again.stderr).toContain('DISK_IN_USE');
  const silent = await berth('disk', 'adopt', path, '--pool', 'x', '--class', 'x', '--backend', 'btrfs', '--yes');
  expect(silent).toMatchObject({ exitCode: 2 });
});
