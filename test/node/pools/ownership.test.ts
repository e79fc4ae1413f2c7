import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../../../src/host/run.ts';
import { type Daemon, runDaemon, startDaemon } from '../../helpers/daemon.ts';
import { createKubelet } from '../../helpers/kubelet.ts';
import { type LoopLab, openLoopLab } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';

const MIB = 1 << 20;

let lab: LoopLab;
let daemons: Daemon[];
beforeEach(() => {
  lab = openLoopLab();
  daemons = [];
});
afterEach(async () => {
  for (const daemon of daemons) await daemon.stop();
  lab.dispose();
});

const diskPool = (path: string, name = 'p') => ({
  name,
  class: name,
  backend: 'btrfs',
  disks: [{ path, allowLoop: true }],
});
const filePool = (directory: string, name = 'p') => ({ name, class: name, backend: 'image', directory });

async function start(nodeName: string, ...pools: object[]): Promise<Daemon> {
  const daemon = await startDaemon({ dir: join(lab.dir, `daemon-${nodeName}-${daemons.length}`), nodeName, pools });
  daemons.push(daemon);
  return daemon;
}
const stop = (daemon: Daemon) => {
  daemons = daemons.filter((other) => other !== daemon);
  return daemon.stop();
};
async function settled(daemon: Daemon, name = 'p') {
  const find = async () => (await daemon.admin.listPools()).find((pool) => pool.name === name)!;
  await until('the pool has been opened or given up', async () => (await find()).state !== 'opening');
  return find();
}
const labelOf = async (path: string): Promise<string> =>
  (await run('blkid', ['-p', '-o', 'value', '-s', 'LABEL', path], { timeoutMs: 10_000 })).stdout.trim();

test.each(['disk', 'directory'] as const)(
  'a pool on a %s of another node is refused until it is imported, and then the other node is refused',
  async (kind) => {
    const { path } = lab.device(512 * MIB);
    const directory = await lab.filesystem('xfs', 512 * MIB);
    const pool = kind === 'disk' ? diskPool(path) : filePool(join(directory, 'pool'));
    const first = await start('n1', pool);
    expect(await settled(first)).toMatchObject({ state: 'ready' });
    const kubelet = createKubelet(first.csi, join(lab.dir, 'kubelet'));
    const id = await kubelet.create('kept');
    await stop(first);

    const second = await start('n2', pool);
    const foreign = await settled(second);
    expect(foreign).toMatchObject({ state: 'foreign' });
    expect(foreign.reason).toContain('n1');
    await expect(second.csi.call('CreateVolume', request('new'))).rejects.toMatchObject({ status: 'UNAVAILABLE' });
    // Its volumes are out of reach, not gone.
    await expect(second.csi.call('DeleteVolume', { volume_id: id })).rejects.toMatchObject({ status: 'UNAVAILABLE' });

    expect(await second.admin.importPool('p')).toMatchObject({ state: 'ready' });
    const { entries } = await second.csi.call<{ entries: { volume: { volume_id: string } }[] }>('ListVolumes');
    expect(entries.map(({ volume }) => volume.volume_id)).toEqual([id]);
    if (kind === 'disk') expect(await labelOf(path)).toBe('berth:n2:p');
    await stop(second);

    const again = await start('n2', pool);
    expect(await settled(again)).toMatchObject({ state: 'ready' });
    await stop(again);
    const late = await start('n1', pool);
    expect(await settled(late)).toMatchObject({ state: 'foreign' });
  },
);

test('an import takes no pool away from a daemon that has it open, and disturbs none that is its own', async () => {
  const pool = diskPool(lab.device(512 * MIB).path);
  const first = await start('n1', pool);
  expect(await settled(first)).toMatchObject({ state: 'ready' });
  const path = await publishNew(first);
  const second = await start('n2', pool);
  expect(await settled(second)).toMatchObject({ state: 'foreign' });
  await expect(second.admin.importPool('p')).rejects.toMatchObject({
    message: expect.stringContaining('another daemon'),
  });
  expect(await first.admin.importPool('p')).toMatchObject({ state: 'ready' });
  expect(first.log().match(/"msg":"pool is ready"/g)).toHaveLength(1);
  writeFileSync(join(path, 'data'), 'still ours');
  await expect(first.csi.call('CreateVolume', request('more'))).resolves.toBeDefined();
});

test('an import that was cut short is made up for by another', async () => {
  const { path } = lab.device(512 * MIB);
  const first = await start('n1', diskPool(path));
  expect(await settled(first)).toMatchObject({ state: 'ready' });
  await stop(first);
  // The ledger says n1 and the label n2, as after a power cut in between.
  await run('btrfs', ['filesystem', 'label', path, 'berth:n2:p'], { timeoutMs: 10_000 });
  const again = await start('n1', diskPool(path));
  expect(await settled(again)).toMatchObject({ state: 'foreign' });
  expect(await again.admin.importPool('p')).toMatchObject({ state: 'ready' });
  expect(await labelOf(path)).toBe('berth:n1:p');
});

test('a second daemon on the same sockets ends, and the first goes on', async () => {
  const first = await start('n1');
  const { exitCode, log } = await runDaemon({ dir: join(lab.dir, 'daemon-n1-0'), pools: [] });
  expect(exitCode).toBe(1);
  expect(log).toContain('SOCKET_IN_USE');
  await first.csi.call('Probe');
  await first.admin.status();
});

async function publishNew(daemon: Daemon): Promise<string> {
  const kubelet = createKubelet(daemon.csi, join(lab.dir, 'kubelet'));
  return kubelet.publish(await kubelet.create('kept'));
}

const request = (name: string) => ({
  name,
  capacity_range: { required_bytes: String(32 * MIB) },
  volume_capabilities: [{ mount: {}, access_mode: { mode: 'SINGLE_NODE_WRITER' } }],
});

test('two disks with one pool’s identity are both refused, and neither is changed', async () => {
  const disk = lab.device(256 * MIB);
  const first = await start('n1', diskPool(disk.path));
  expect(await settled(first)).toMatchObject({ state: 'ready' });
  await stop(first);
  const copy = join(lab.dir, 'copy.img');
  copyFileSync(disk.file, copy);
  const second = lab.attach(copy);

  const before = readFileSync(copy);
  const daemon = await start('n1', diskPool(disk.path), diskPool(second, 'q'));
  for (const name of ['p', 'q']) {
    const pool = await settled(daemon, name);
    expect(pool.state).toBe('failed');
    expect(pool.reason).toContain('more than one disk');
  }
  await stop(daemon);
  expect(readFileSync(copy).equals(before)).toBe(true);
});

test('a second daemon does not get a pool that one has open, nor disturb it', async () => {
  const directory = join(await lab.filesystem('xfs', 512 * MIB), 'pool');
  const first = await start('n1', filePool(directory));
  expect(await settled(first)).toMatchObject({ state: 'ready' });
  const second = await start('n1', filePool(directory));
  expect((await settled(second)).reason).toContain('another daemon');
  await createKubelet(first.csi, join(lab.dir, 'kubelet')).create('still-works');
});

test('a directory with somebody’s files is no pool', async () => {
  const directory = lab.folder();
  writeFileSync(join(directory, 'thesis.txt'), 'years of work');
  const daemon = await start('n1', filePool(directory));
  const pool = await settled(daemon);
  expect(pool).toMatchObject({ state: 'failed' });
  expect(pool.reason).toContain('thesis.txt');
  expect(readdirSync(directory)).toEqual(['thesis.txt']);
});

test('a disk with somebody’s file system is not formatted', async () => {
  const disk = lab.device(256 * MIB);
  await run('mkfs.ext4', ['-q', '-L', 'photos', disk.path], { timeoutMs: 30_000 });
  const daemon = await start('n1', diskPool(disk.path));
  expect(await settled(daemon)).toMatchObject({ state: 'failed' });
  expect(await labelOf(disk.path)).toBe('photos');
});

test('a pool made with another backend, or by a newer Berth, is refused and left as it is', async () => {
  const directory = join(await lab.filesystem('btrfs', 512 * MIB), 'pool');
  mkdirSync(directory);
  const first = await start('n1', filePool(directory));
  expect(await settled(first)).toMatchObject({ state: 'ready' });
  await stop(first);

  const other = await start('n1', { ...filePool(directory), backend: 'btrfs' });
  expect((await settled(other)).reason).toContain('backend image');
  await stop(other);

  const db = new DatabaseSync(join(directory, '.berth/ledger.db'));
  db.exec('PRAGMA user_version = 9999');
  db.close();
  const newer = await start('n1', filePool(directory));
  expect((await settled(newer)).reason).toContain('9999');
});

test.each(['disk', 'directory'] as const)(
  'an empty %s where a pool was stays as it is after a restart, until the pool is forgotten',
  async (kind) => {
    const { path } = lab.device(512 * MIB);
    const directory = join(await lab.filesystem('xfs', 512 * MIB), 'pool');
    const pool = kind === 'disk' ? diskPool(path) : filePool(directory);
    const dir = join(lab.dir, 'daemon');
    const first = await startDaemon({ dir, nodeName: 'n1', pools: [pool] });
    daemons.push(first);
    await settled(first);
    const id = await createKubelet(first.csi, join(lab.dir, 'kubelet')).create('kept');
    await stop(first);
    if (kind === 'disk') await run('blkdiscard', [path], { timeoutMs: 10_000 });
    else rmSync(directory, { recursive: true });

    const second = await startDaemon({ dir, nodeName: 'n1', pools: [pool] });
    daemons.push(second);
    const refused = await settled(second);
    expect(refused).toMatchObject({ state: 'failed', id: id.split('.')[0] });
    expect(refused.reason).toContain('berth pool forget p');
    await expect(second.csi.call('DeleteVolume', { volume_id: id })).rejects.toMatchObject({ status: 'UNAVAILABLE' });

    await second.admin.forgetPool('p');
    await until('there is a new pool', async () => (await settled(second)).state === 'ready');
    await expect(second.admin.forgetPool('p')).rejects.toMatchObject({ code: 'POOL_OPEN' });
    await second.csi.call('DeleteVolume', { volume_id: id });
  },
);
