import { closeSync, fsyncSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachedLoopNames, detachLoop } from '../../../src/host/loop.ts';
import { readMounts } from '../../../src/host/mountinfo.ts';
import { run } from '../../../src/host/run.ts';
import type { CallError } from '../../csi/client.ts';
import { type Daemon, startDaemon } from '../../helpers/daemon.ts';
import { createKubelet, type Kubelet } from '../../helpers/kubelet.ts';
import { type LoopLab, loopsBeneath, openLoopLab } from '../../helpers/loop.ts';
import { openStoppableDisk, type StoppableDisk } from '../../helpers/stoppable-disk.ts';
import { until } from '../../helpers/until.ts';

const MIB = 1 << 20;
/** A pool that failed is tried again after at most 30 s. */
const RETRY_MS = 40_000;

let lab: LoopLab;
let disk: StoppableDisk;
let daemon: Daemon;
let kubelet: Kubelet;
let published: string[] = [];

async function publish(id: string): Promise<string> {
  published.push(id);
  return kubelet.publish(id);
}

async function start(backend: string): Promise<void> {
  lab = openLoopLab();
  disk = await openStoppableDisk(lab, 512 * MIB);
  daemon = await startDaemon({
    dir: join(lab.dir, 'daemon'),
    pools: [
      { name: 'sick', class: 'sick', backend, disks: [{ path: disk.path, allowLoop: true }] },
      { name: 'well', class: 'well', backend, disks: [{ path: lab.device(512 * MIB).path, allowLoop: true }] },
    ],
  });
  kubelet = createKubelet(daemon.csi, join(lab.dir, 'kubelet'));
  await Promise.all([becomes('sick', 'ready'), becomes('well', 'ready')]);
}

afterEach(async () => {
  // The kubelet tries until it is done; what lies on a failed disk is found by nobody once its mounts are gone.
  const isOver = (id: string) =>
    kubelet.unpublish(id).then(
      () => true,
      () => false,
    );
  for (const id of published) await until(`${id} is not in use`, () => isOver(id));
  published = [];
  await daemon?.stop('SIGKILL');
  lab?.dispose();
  disk?.dispose();
  expect(loopsBeneath(lab.dir)).toEqual([]);
});

async function sick(): Promise<{ state: string; reason: string }> {
  const pool = (await daemon.admin.listPools()).find(({ name }) => name === 'sick')!;
  return { state: pool.state, reason: pool.reason ?? '' };
}

async function becomes(name: string, state: string, limitMs?: number): Promise<void> {
  let shown = '';
  const tell = () => `pool ${name} is ${state}, not ${shown}`;
  await until(
    tell,
    async () => {
      const pool = (await daemon.admin.listPools()).find((one) => one.name === name)!;
      shown = `${pool.state}: ${pool.reason}`;
      return pool.state === state;
    },
    limitMs,
  );
}

const failure = (call: Promise<unknown>): Promise<CallError> =>
  call.then(
    () => expect.fail('it did not fail'),
    (error: CallError) => error,
  );

const mountsBeneath = (dir: string) => readMounts().filter(({ mountPoint }) => mountPoint.startsWith(`${dir}/`));

/** What a program in the pod does, and what it is told. */
function writeAndFlush(path: string): string | undefined {
  try {
    const fd = openSync(path, 'w');
    try {
      writeSync(fd, 'more');
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

it('opens a pool whose disk comes late', async () => {
  await start('btrfs');
  const id = await kubelet.create('data', { poolClass: 'sick' });
  await daemon.stop();
  detachLoop(disk.path);
  await until('the disk is gone', () => !attachedLoopNames().includes(basename(disk.path)));

  const pools = [{ name: 'sick', class: 'sick', backend: 'btrfs', disks: [{ path: disk.path, allowLoop: true }] }];
  daemon = await startDaemon({ dir: join(lab.dir, 'daemon'), pools });
  await becomes('sick', 'lost');
  expect((await sick()).reason).toContain(disk.path);
  // Nobody knows yet what this pool holds, so nothing of it is gone.
  const { call } = daemon.csi;
  expect(await failure(call('DeleteVolume', { volume_id: id }))).toMatchObject({ status: 'UNAVAILABLE' });
  await disk.repair();
  await becomes('sick', 'ready', RETRY_MS);
  expect((await daemon.admin.listVolumes()).map((volume) => volume.id)).toEqual([id]);
});

describe.each(['btrfs', 'image'])('a %s pool whose disk fails', (backend) => {
  beforeEach(() => start(backend));

  it('is refused with the reason, lets its pods end, and opens again with its volumes', {
    timeout: 120_000,
  }, async () => {
    const id = await kubelet.create('data', { poolClass: 'sick' });
    const path = await publish(id);
    writeFileSync(join(path, 'data'), 'kept', { flush: true });
    await disk.fail();

    expect(await failure(kubelet.create('lost', { poolClass: 'sick' }))).toMatchObject({ status: 'UNAVAILABLE' });
    await becomes('sick', 'failed');
    expect((await sick()).reason).toMatch(/^the (disk|file system) of pool sick (fails|gave up)/);
    expect(await failure(kubelet.create('refused', { poolClass: 'sick' }))).toMatchObject({
      status: 'UNAVAILABLE',
      message: expect.stringMatching(/^POOL_UNAVAILABLE: pool sick is failed: /),
    });
    expect(await failure(kubelet.remove(id))).toMatchObject({ status: 'UNAVAILABLE' });
    await kubelet.remove(await kubelet.create('beside', { poolClass: 'well' }));

    await kubelet.unpublish(id);
    await kubelet.unpublish(id); // the kubelet may ask again
    expect(mountsBeneath(join(lab.dir, 'kubelet'))).toEqual([]);

    await disk.repair();
    await becomes('sick', 'ready', RETRY_MS);
    expect(readFileSync(join(await publish(id), 'data'), 'utf8')).toBe('kept');
    await kubelet.unpublish(id);
    await kubelet.remove(id);
    published = [];
    expect(await daemon.stop()).toBe(0);
  });

  it('is noticed by what its pods meet, without a call', async () => {
    const id = await kubelet.create('data', { poolClass: 'sick' });
    const path = await publish(id);
    writeFileSync(join(path, 'data'), 'kept', { flush: true });
    await disk.fail();
    await until('the pod is told', () => writeAndFlush(join(path, 'more')) !== undefined);
    if (backend === 'btrfs') await becomes('sick', 'failed');
  });

  it('is never made anew on an empty disk that has come in its place', { timeout: 120_000 }, async () => {
    const id = await kubelet.create('data', { poolClass: 'sick' });
    await disk.fail();
    await failure(kubelet.create('lost', { poolClass: 'sick' }));
    await becomes('sick', 'failed');
    detachLoop(disk.path);
    await until('the failed disk is gone', () => !attachedLoopNames().includes(basename(disk.path)));
    await becomes('sick', 'lost', RETRY_MS);

    const other = join(lab.dir, 'other.img');
    await run('truncate', ['--size', String(512 * MIB), other], { timeoutMs: 10_000 });
    await run('losetup', [disk.path, other], { timeoutMs: 10_000 });
    await until('the empty disk is seen', async () => (await sick()).reason.includes('is empty now'), RETRY_MS);
    expect((await run('blkid', ['-p', disk.path], { timeoutMs: 10_000, okCodes: [2] })).stdout).toBe('');
    // It is out of reach, which is not the same as gone.
    expect(await failure(kubelet.remove(id))).toMatchObject({ status: 'UNAVAILABLE' });
  });
});
