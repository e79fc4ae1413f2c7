import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createSubvolume,
  filesystemUuid,
  listQgroups,
  quotaStatus,
  snapshotSubvolume,
  subvolumesFrom,
  sync,
} from '../../../src/host/btrfs.ts';
import { syncFilesystem } from '../../../src/host/files.ts';
import { run } from '../../../src/host/run.ts';
import { withDirectory } from '../../../src/pools/backends/image-usage.ts';
import { loopsBeneath } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';
import type { AttackName } from './attack.ts';
import { type Kind, type LimitsLab, openLimitsLab } from './lab.ts';
import { attackFromPod } from './pod.ts';

const MIB = 1n << 20n;
/** What the attacks write in a second, to each of up to three folders, and twice the time that the guard takes. */
const ONE_LOOK_BYTES = 2n * 3n * 20n * MIB;
const TOOL = { timeoutMs: 30_000 };

const nestedAttacks: AttackName[] = ['nested', 'nestedUnlimited', 'nestedSnapshots', 'nestedDeep', 'nestedMany'];

let lab: LimitsLab;
beforeAll(async () => {
  lab = await openLimitsLab();
});
afterAll(async () => {
  await lab?.dispose();
  expect(loopsBeneath(lab.loops.dir)).toEqual([]);
});

/** Where the kernel can forbid them altogether (see test/vm/seal.sh), only the machine's root makes any. */
const isSealed = (): boolean => lab.daemon.log().includes('the kernel forbids subvolumes inside volumes');

let count = 0;
async function publishNew(kind: Kind): Promise<{ id: string; path: string }> {
  const id = await lab.create(kind, `volume-${++count}`);
  return { id, path: await lab.publish(kind, id) };
}

async function drop(id: string): Promise<void> {
  await lab.kubelet.unpublish(id);
  await lab.kubelet.remove(id);
}

async function problemsOf(id: string): Promise<string[]> {
  type Health = { volume_health: { health_statuses: { reason: string }[] } };
  const { volume_health } = await lab.daemon.csi.call<Health>('NodeGetVolumeHealth', { volume_id: id });
  return volume_health.health_statuses.map(({ reason }) => reason);
}

describe.each(['qgroup', 'simple'])('subvolumes made inside a volume, quota mode %s', (pool) => {
  const kind: Kind = { pool, sizeBytes: 32n * MIB };
  const subvolumes = async (): Promise<number> =>
    withDirectory(await lab.poolPath(pool), (fd) => [...subvolumesFrom(fd, 256n)].length);
  const qgroups = async (): Promise<number> => withDirectory(await lab.poolPath(pool), (fd) => listQgroups(fd).length);

  it.each(nestedAttacks)('%s: no more than a second’s writes, and no neighbour is short', async (attack) => {
    const before = { subvolumes: await subvolumes(), qgroups: await qgroups() };
    const [{ id, path }, neighbour] = [await publishNew(kind), await publishNew(kind)];
    const { bytes, refusal } = await attackFromPod(path, attack, 64n * kind.sizeBytes);
    if (isSealed()) {
      expect({ bytes, refusal }).toEqual({ bytes: 0n, refusal: 'EPERM' });
    } else {
      expect(refusal).toBe('EDQUOT');
      expect(bytes).toBeLessThanOrEqual(kind.sizeBytes + ONE_LOOK_BYTES);
      await until('the volume tells', async () => (await problemsOf(id)).includes('NestedSubvolume'));
    }
    expect(await problemsOf(neighbour.id)).toEqual([]);
    expect((await attackFromPod(neighbour.path, 'plain', kind.sizeBytes)).bytes).toBeGreaterThan(30n * MIB);

    await drop(id);
    await drop(neighbour.id);
    await until('all is gone', async () => (await subvolumes()) === before.subvolumes);
    await until('and not counted', async () => (await qgroups()) <= before.qgroups);
  });

  it('count against the volume, until they are gone', async () => {
    const { id, path } = await publishNew(kind);
    withDirectory(path, (fd) => createSubvolume(fd, 'nested'));
    writeFileSync(join(path, 'nested/file'), Buffer.alloc(16 << 20), { flush: true });
    await until('the volume tells', async () => (await problemsOf(id)).includes('NestedSubvolume'));
    const half = await attackFromPod(path, 'plain', kind.sizeBytes);
    expect(half).toMatchObject({ refusal: 'EDQUOT' });
    expect(half.bytes).toBeLessThanOrEqual(17n * MIB);

    // In a full volume the kernel removes no subvolume; emptying it is always possible, and gives the room for that.
    rmSync(join(path, 'nested/file'));
    withDirectory(path, syncFilesystem);
    const removes = () => run('btrfs', ['subvolume', 'delete', join(path, 'nested')], { ...TOOL, okCodes: [0, 1] });
    await until('it can be removed', async () => (await removes()).exitCode === 0);
    await until('the volume is well', async () => {
      withDirectory(path, sync); // else the kernel takes its time to remove it
      return (await problemsOf(id)).length === 0;
    });
    const more = await attackFromPod(path, 'hardLinks', kind.sizeBytes);
    expect(half.bytes + more.bytes).toBeGreaterThan(28n * MIB);
    lab.requireHeld(id, kind.sizeBytes);
    await drop(id);
  });

  it('are found in a volume that was copied, and in one that has grown', async () => {
    const { id, path } = await publishNew(kind);
    const clone = await lab.create(kind, `volume-${++count}`, { source: { volume: id } });
    const cloned = await lab.publish(kind, clone);
    await lab.kubelet.expand(id, 2n * kind.sizeBytes);
    for (const at of [path, cloned]) withDirectory(at, (fd) => snapshotSubvolume(fd, fd, 'nested'));
    for (const one of [id, clone]) {
      await until('the volume tells', async () => (await problemsOf(one)).includes('NestedSubvolume'));
      await drop(one);
    }
  });
});

describe('limits that went wrong behind Berth', () => {
  const kind: Kind = { pool: 'qgroup', sizeBytes: 32n * MIB };

  it('are put right when the pool is opened', async () => {
    const { id, path } = await publishNew(kind);
    await run('btrfs', ['qgroup', 'limit', 'none', path], TOOL);
    await lab.restartDaemon(() => withDirectory(path, (fd) => createSubvolume(fd, 'nested')));
    expect((await attackFromPod(path, 'plain', kind.sizeBytes)).refusal).toBe('EDQUOT');
    lab.requireHeld(id, kind.sizeBytes);
    await until('the volume tells', async () => (await problemsOf(id)).includes('NestedSubvolume'));
    await drop(id);
  });

  it('are exact again by themselves after the kernel lost count', async () => {
    const { id, path } = await publishNew(kind);
    const pool = await lab.poolPath('qgroup');
    const counts = (): boolean =>
      withDirectory(pool, (fd) => {
        syncFilesystem(fd);
        return quotaStatus(fd)!.consistent;
      });
    const uuid = withDirectory(pool, (fd) => filesystemUuid(fd));
    const threshold = `/sys/fs/btrfs/${uuid}/qgroups/drop_subtree_threshold`;
    const usual = readFileSync(threshold, 'utf8');
    // The kernel gives up counting when a copy goes away that shares a large tree; here every tree is large.
    await attackFromPod(path, 'smallFiles', kind.sizeBytes / 4n);
    const clone = await lab.create(kind, `volume-${++count}`, { source: { volume: id } });
    writeFileSync(threshold, '0');
    try {
      await lab.kubelet.remove(clone);
      await until('it is told', () => lab.daemon.log().includes('the kernel has lost count'));
    } finally {
      writeFileSync(threshold, usual);
    }
    await until('it counts again', counts);
    await until('the volume is well', async () => (await problemsOf(id)).length === 0);
    await attackFromPod(path, 'allocate', kind.sizeBytes);
    lab.requireHeld(id, kind.sizeBytes);
    await drop(id);
  });
});
