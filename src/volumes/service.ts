import { BerthError } from '../errors.ts';
import type { Pool } from '../pools/manager.ts';
import type { Opened } from '../pools/protocol.ts';
import { measureCapacity, poolsOfClass } from './choose-pool.ts';
import { createVolumeIn } from './create-volume.ts';
import { poolProblem, storageHealth } from './health.ts';
import { requireIoLimits } from './io-limits.ts';
import { listAcross } from './list.ts';
import { createLocator, offersOf } from './locate.ts';
import type { VolumeService } from './model.ts';
import { createNames } from './names.ts';
import { nodeCalls } from './node-calls.ts';
import { chooseSize, explainMismatch } from './sizes.ts';
import { snapshotCalls } from './snapshot-calls.ts';

/**
 * What csi and admin call, over all pools of the node: finds the pool of an id or a name, chooses one for what is new,
 * and leaves the rest to the pool's own thread. `poolOpened` is to be called when a pool has opened.
 */
export function createVolumeService(
  pools: () => readonly Pool[],
): VolumeService & { poolOpened(opened: Opened): void } {
  const locator = createLocator(pools);
  const { locate, locateOrGone } = locator;
  const names = createNames(pools);
  return {
    poolOpened: names.learn,
    ...snapshotCalls(pools, locator, names),
    ...nodeCalls(locator),
    knowsVolume: (name) => names.holderOf('volume', name) !== undefined,
    findVolume: async (name, call) => names.holderOf('volume', name)?.call('findVolume', { name }, call),

    createVolume: createVolumeIn(pools, locator, names),
    async deleteVolume(id, call) {
      const { pool, uuid } = locateOrGone(id);
      await pool?.call('deleteObject', { kind: 'volume', uuid }, call);
    },
    async getVolume(id, call) {
      const { pool, uuid } = locate(id, 'VOLUME_NOT_FOUND');
      return pool.call('getVolume', { uuid }, call);
    },
    listVolumes: (page, call) => listAcross(pools(), page, (pool, range) => pool.call('listVolumes', range, call)),
    capacity: async ({ parameters, capabilities }) => measureCapacity(poolsOfClass(pools(), parameters), capabilities),
    checkCapabilities: explainMismatch,
    async expandVolume({ id, size, capability }, call) {
      const { pool, uuid } = locate(id, 'VOLUME_NOT_FOUND');
      if (capability !== undefined) {
        const problem = explainMismatch(await pool.call('getVolume', { uuid }, call), [capability]);
        if (problem !== undefined) throw new BerthError('CAPABILITY_UNSUPPORTED', { problem });
      }
      const sizeBytes = chooseSize(size, { granularityBytes: offersOf(pool).granularityBytes, minimumBytes: 0n });
      return pool.call('expandVolume', { uuid, sizeBytes }, call);
    },
    async modifyVolume({ id, ioLimits }, call) {
      const { pool, uuid } = locate(id, 'VOLUME_NOT_FOUND');
      requireIoLimits(pool, ioLimits);
      await pool.call('modifyVolume', { uuid, ioLimits }, call);
    },
    async volumeHealth(id, call) {
      const { pool, uuid } = locate(id, 'VOLUME_NOT_FOUND');
      const problem = poolProblem(pool);
      return problem === undefined ? pool.call('volumeHealth', { uuid }, call) : [problem];
    },
    storageHealth: () => storageHealth(pools()),

    pools: () => pools().map((pool) => pool.status()),
    async jobs(call) {
      const ready = pools().filter((pool) => pool.state === 'ready');
      return (await Promise.all(ready.map((pool) => pool.call('listJobs', {}, call)))).flat();
    },
    async cancelJob(id, call) {
      const { pool, uuid } = locateOrGone(id);
      if (pool === undefined) throw new BerthError('JOB_NOT_FOUND', { id });
      await pool.call('cancelJob', { uuid }, call);
    },
  };
}
