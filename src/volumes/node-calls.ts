import { BerthError } from '../errors.ts';
import type { Pool } from '../pools/manager.ts';
import { refuseMount, unpublishDetached, unstageDetached } from './detached.ts';
import { type Locator, offersOf } from './locate.ts';
import type { VolumeService } from './model.ts';

type NodeCalls = Pick<
  VolumeService,
  | 'stageVolume'
  | 'unstageVolume'
  | 'publishVolume'
  | 'unpublishVolume'
  | 'volumeDirectory'
  | 'volumeStats'
  | 'volumeUsage'
  | 'expandNode'
>;

/** What happens where the volume is mounted. */
export function nodeCalls({ locate, locateOrGone }: Locator): NodeCalls {
  return {
    async stageVolume({ id, stagingPath, capability }, call) {
      const { pool, uuid } = locate(id, 'VOLUME_NOT_FOUND');
      await pool.call('stageVolume', { uuid, stagingPath, ...capability }, call);
    },
    async unstageVolume({ id, stagingPath }, call) {
      const { pool, uuid } = locateOrGone(id);
      if (pool === undefined) return refuseMount(stagingPath);
      if (cannotAnswer(pool)) return unstageDetached(uuid, stagingPath);
      await pool.call('unstageVolume', { uuid, stagingPath }, call);
    },
    async publishVolume({ id, stagingPath, targetPath, capability, readOnly }, call) {
      const { pool, uuid } = locate(id, 'VOLUME_NOT_FOUND');
      await pool.call('publishVolume', { uuid, stagingPath, targetPath, ...capability, readOnly }, call);
    },
    async unpublishVolume({ id, targetPath }, call) {
      const { pool, uuid } = locateOrGone(id);
      if (pool === undefined) return refuseMount(targetPath);
      if (cannotAnswer(pool)) return unpublishDetached(uuid, targetPath);
      await pool.call('unpublishVolume', { uuid, targetPath }, call);
    },
    async volumeDirectory(id, call) {
      const { pool, uuid } = locate(id, 'VOLUME_NOT_FOUND');
      return pool.call('volumeDirectory', { uuid }, call);
    },
    async volumeStats({ id, path }, call) {
      const { pool, uuid } = locate(id, 'VOLUME_NOT_FOUND');
      return pool.call('volumeStats', { uuid, path }, call);
    },
    async volumeUsage(id, call) {
      const { pool, uuid } = locate(id, 'VOLUME_NOT_FOUND');
      return pool.call('volumeUsage', { uuid }, call);
    },
    async expandNode({ id, path, size }, call) {
      const { pool, uuid } = locate(id, 'VOLUME_NOT_FOUND');
      const grown = await pool.call('expandNode', { uuid, path }, call);
      if (size.requiredBytes <= grown.sizeBytes) return grown;
      throw new BerthError('SIZE_RANGE_EMPTY', {
        required: size.requiredBytes,
        limit: size.limitBytes,
        problem: `the volume has ${grown.sizeBytes} bytes; ControllerExpandVolume comes first`,
        granularity: offersOf(pool).granularityBytes,
      });
    },
  };
}

/** A pool whose thread is gone cannot undo its mounts itself, and its pods must be able to end. */
const cannotAnswer = ({ state }: Pool): boolean => state === 'lost' || state === 'failed' || state === 'foreign';
