import { BerthError } from '../errors.ts';
import type { Pool } from '../pools/manager.ts';
import { parseId } from './ids.ts';
import { listAcross } from './list.ts';
import type { Locator } from './locate.ts';
import type { VolumeService } from './model.ts';
import type { Names } from './names.ts';

type SnapshotCalls = Pick<
  VolumeService,
  | 'createSnapshot'
  | 'deleteSnapshot'
  | 'getSnapshot'
  | 'listSnapshots'
  | 'snapshotBlocks'
  | 'createGroupSnapshot'
  | 'deleteGroupSnapshot'
  | 'getGroupSnapshot'
>;

/** Snapshots and groups of them, which lie in the pool of their source. */
export function snapshotCalls(
  pools: () => readonly Pool[],
  { locate, locateOrGone }: Locator,
  names: Names,
): SnapshotCalls {
  return {
    async createSnapshot({ name, sourceVolumeId }, call) {
      const { pool, uuid } = locate(sourceVolumeId, 'VOLUME_NOT_FOUND');
      return names.claim(
        'snapshot',
        name,
        () => pool,
        (holder) => {
          if (holder !== pool) throw new BerthError('SNAPSHOT_EXISTS', { name });
          return pool.call('createSnapshot', { name, sourceUuid: uuid }, call);
        },
      );
    },
    async deleteSnapshot(id, call) {
      const { pool, uuid } = locateOrGone(id);
      await pool?.call('deleteObject', { kind: 'snapshot', uuid }, call);
    },
    async getSnapshot(id, call) {
      const { pool, uuid } = locate(id, 'SNAPSHOT_NOT_FOUND');
      return pool.call('getSnapshot', { uuid }, call);
    },
    async listSnapshots({ id, sourceVolumeId, token, max }, call) {
      if (id !== undefined) {
        const { pool, uuid } = locateOrGone(id);
        const snapshot = await pool?.call('getSnapshot', { uuid }, call).catch(unlessMissing);
        const asked = sourceVolumeId === undefined || snapshot?.sourceVolumeId === sourceVolumeId;
        return { items: snapshot !== undefined && asked ? [snapshot] : [] };
      }
      const source = sourceVolumeId === undefined ? undefined : locateOrGone(sourceVolumeId);
      const among = source === undefined ? pools() : pools().filter((pool) => pool === source.pool);
      return listAcross(among, { token, max }, (pool, range) =>
        pool.call('listSnapshots', { ...range, sourceUuid: source?.uuid }, call),
      );
    },

    async snapshotBlocks({ id, baseId, ...range }, call) {
      const { pool, uuid } = locate(id, 'SNAPSHOT_NOT_FOUND');
      const base = baseId === undefined ? undefined : locate(baseId, 'SNAPSHOT_NOT_FOUND');
      if (base !== undefined && base.pool !== pool) throw new BerthError('SNAPSHOTS_UNRELATED', { base: baseId!, id });
      return pool.call('snapshotBlocks', { uuid, baseUuid: base?.uuid, ...range }, call);
    },

    async createGroupSnapshot({ name, sourceVolumeIds }, call) {
      const located = sourceVolumeIds.map((id) => locate(id, 'VOLUME_NOT_FOUND'));
      const [first] = located;
      if (first === undefined) throw new BerthError('FIELD_MISSING', { field: 'source_volume_ids' });
      if (located.some(({ pool }) => pool !== first.pool)) {
        throw new BerthError('GROUP_NOT_CONSISTENT', { problem: 'they are in different pools' });
      }
      const sourceUuids = located.map(({ uuid }) => uuid);
      return names.claim(
        'group',
        name,
        () => first.pool,
        (holder) => {
          if (holder !== first.pool) throw new BerthError('SNAPSHOT_EXISTS', { name });
          return holder.call('createGroup', { name, sourceUuids }, call);
        },
      );
    },
    async deleteGroupSnapshot(id, snapshotIds, call) {
      const { pool, uuid } = locateOrGone(id);
      await pool?.call('deleteGroup', { uuid, snapshotUuids: uuidsOf(snapshotIds) }, call);
    },
    async getGroupSnapshot(id, snapshotIds, call) {
      const { pool, uuid } = locate(id, 'GROUP_SNAPSHOT_NOT_FOUND');
      return pool.call('getGroup', { uuid, snapshotUuids: uuidsOf(snapshotIds) }, call);
    },
  };
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof BerthError && error.status === 'NOT_FOUND') return undefined;
  throw error;
}

const uuidsOf = (ids: readonly string[]): string[] => ids.map((id) => parseId(id)?.uuid ?? id);
