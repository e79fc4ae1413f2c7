import { expect, test } from 'vitest';
import { storageHealth, unhealthyVolumes, volumeHealth } from '../../src/csi/health.ts';
import { BerthError } from '../../src/errors.ts';
import type { HealthProblem, Volume } from '../../src/volumes/model.ts';
import { createFakeVolumes, type FakeVolumes } from './fake-volumes.ts';

const CALL = { deadline: Number.POSITIVE_INFINITY, requestId: '' };
const problem = (reason: string, message = ''): HealthProblem => ({ status: 'DEGRADED', reason, message });

async function withVolumes(count: number): Promise<{ service: FakeVolumes; volumes: Volume[] }> {
  const service = createFakeVolumes({ makePaths: false });
  const volumes: Volume[] = [];
  for (let index = 0; index < count; index++) {
    volumes.push(
      await service.createVolume(
        {
          name: `${index}`,
          size: { requiredBytes: 0n, limitBytes: 0n },
          capabilities: [],
          parameters: { thin: false, nodatacow: false },
          ioLimits: {},
        },
        CALL,
      ),
    );
  }
  return { service, volumes };
}

test('a healthy volume has an empty list, an unknown one none', async () => {
  const { service, volumes } = await withVolumes(1);
  expect(await volumeHealth(service, volumes[0]!.id, CALL)).toEqual({ volume_id: volumes[0]!.id, health_statuses: [] });
  await expect(volumeHealth(service, 'none', CALL)).rejects.toMatchObject({ code: 'VOLUME_NOT_FOUND' });
});

test('a status and reason comes once, with all its messages in 128 bytes', async () => {
  const { service, volumes } = await withVolumes(1);
  const id = volumes[0]!.id;
  service.health.set(id, [problem('Slow', 'one'), problem('Slow', 'two'), problem('Old', 'x'.repeat(200))]);
  const { health_statuses } = await volumeHealth(service, id, CALL);
  expect(health_statuses).toEqual([
    { status: 'DEGRADED', reason: 'Slow', message: 'one; two' },
    { status: 'DEGRADED', reason: 'Old', message: `${'x'.repeat(125)}…` },
  ]);
});

test('a volume whose pool does not answer is inaccessible', async () => {
  const { service } = await withVolumes(0);
  service.volumeHealth = async () => {
    throw new BerthError('POOL_DEADLINE', { pool: 'p', operation: 'volumeHealth' });
  };
  expect(await volumeHealth(service, 'v', CALL)).toMatchObject({
    health_statuses: [{ status: 'INACCESSIBLE', reason: 'PoolUnavailable' }],
  });
});

test('only those with problems are listed, and those deleted meanwhile are not', async () => {
  const { service, volumes } = await withVolumes(3);
  const [sick, gone] = volumes as [Volume, Volume, Volume];
  service.health.set(sick.id, [problem('Slow')]);
  await service.deleteVolume(gone.id, CALL);
  const found = await unhealthyVolumes(service, volumes, CALL);
  expect(found.map(({ volume_id }) => volume_id)).toEqual([sick.id]);
});

test('a pool’s problem is that of all its volumes, which are not asked one by one', async () => {
  const { service, volumes } = await withVolumes(2);
  service.storage.push({ pool: 'fake', problem: { status: 'INACCESSIBLE', reason: 'PoolLost', message: 'gone' } });
  service.volumeHealth = () => Promise.reject(new Error('asked'));
  const found = await unhealthyVolumes(service, volumes, CALL);
  expect(found.map(({ health_statuses }) => health_statuses[0]?.reason)).toEqual(['PoolLost', 'PoolLost']);
});

test('pools with the same problem are one entry', () => {
  const service = createFakeVolumes({ makePaths: false });
  const lost = (pool: string): void => {
    service.storage.push({
      pool,
      problem: { status: 'INACCESSIBLE', reason: 'PoolLost', message: `pool ${pool} is lost` },
    });
  };
  lost('a');
  lost('b');
  service.storage.push({ pool: 'c', problem: problem('Worn', 'c') });
  expect(storageHealth(service)).toEqual([
    { status: 'STORAGE_UNREACHABLE', reason: 'PoolLost', message: 'pool a is lost; pool b is lost' },
    { status: 'STORAGE_DEGRADED', reason: 'Worn', message: 'c' },
  ]);
});
