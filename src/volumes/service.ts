import { BerthError } from '../errors.ts';
import { isMountFlag, mountFlags } from '../host/mount.ts';
import type { Pool } from '../pools/manager.ts';
import type { Opened } from '../pools/protocol.ts';
import { refuseMount, unpublishDetached, unstageDetached } from './detached.ts';
import { fromToken, parseId, toToken } from './ids.ts';
import type {
  Call,
  Capability,
  ContentSource,
  CreateVolume,
  GroupSnapshot,
  HealthProblem,
  Page,
  VolumeParameters,
  VolumeService,
} from './model.ts';
import { createNameIndex, type NamedKind } from './names.ts';
import { chooseContent, chooseSize, explainMismatch } from './sizes.ts';

/** Asked of each pool at a time when a listing is not limited by its caller. */
const PAGE_SIZE = 1_000;

/**
 * What csi and admin call, over all pools of the node: finds the pool of an id or a name, chooses one for what is new,
 * and leaves the rest to the pool's own thread.
 */
export function createVolumeService(pools: () => readonly Pool[]): VolumeService & {
  /** To be called when a pool has opened. */
  poolOpened(opened: Opened): void;
} {
  const names = createNameIndex();

  const poolOf = (poolId: string): Pool | undefined => pools().find((pool) => pool.id === poolId);

  /** The pool and uuid that an id means. An id that is none, or of a pool nobody knows, does not exist. */
  const locate = (id: string, missing: 'VOLUME_NOT_FOUND' | 'SNAPSHOT_NOT_FOUND' | 'GROUP_SNAPSHOT_NOT_FOUND') => {
    const parsed = parseId(id);
    const pool = parsed && poolOf(parsed.poolId);
    if (parsed !== undefined && pool === undefined) requireAllKnown(parsed.poolId);
    if (parsed === undefined || pool === undefined) throw new BerthError(missing, { id });
    return { pool, uuid: parsed.uuid };
  };
  /** An id may belong to a pool that has not been read yet: then its volumes are not gone, only out of reach. */
  const requireAllKnown = (poolId: string): void => {
    const unread = pools().find((pool) => pool.id === undefined);
    if (unread === undefined) return;
    throw new BerthError('POOL_UNAVAILABLE', {
      pool: poolId,
      state: unread.state,
      reason: `pool ${unread.config.name} has not been opened yet and may be the one`,
    });
  };

  const poolsOfClass = (parameters: VolumeParameters): Pool[] => {
    const all = pools();
    const classes = [...new Set(all.map((pool) => pool.config.class))];
    const wanted = parameters.poolClass ?? (classes.length === 1 ? classes[0] : undefined);
    if (wanted === undefined) throw new BerthError('POOL_CLASS_REQUIRED', { classes: classes.join(', ') });
    const matching = all.filter((pool) => pool.config.class === wanted);
    if (matching.length === 0) {
      throw new BerthError('POOL_CLASS_UNKNOWN', { class: wanted, classes: classes.join(', ') || 'none' });
    }
    return matching;
  };

  /** The ready pool with the most room: a volume goes where it and its later growth fit best. */
  const choosePool = (candidates: readonly Pool[]): Pool => {
    const ready = candidates.filter((pool) => pool.state === 'ready');
    const [first] = ready.toSorted((a, b) => Number(b.availableBytes() - a.availableBytes()));
    if (first !== undefined) return first;
    const away = candidates[0]!;
    const status = away.status();
    throw new BerthError('POOL_UNAVAILABLE', {
      pool: away.config.name,
      state: status.state,
      reason: status.reason ?? 'it is not open yet',
    });
  };

  /** A name belongs to one pool from the moment that a call with it is sent there, so a repeated call finds it again. */
  const named = async <T>(
    kind: NamedKind,
    name: string,
    choose: () => Pool,
    act: (pool: Pool) => Promise<T>,
  ): Promise<T> => {
    const holder = names.find(kind, name);
    const pool = (holder === undefined ? undefined : poolOf(holder)) ?? choose();
    if (pool.id !== undefined) names.add(kind, name, pool.id);
    try {
      return await act(pool);
    } catch (error) {
      if (holder === undefined && leftNothing(error)) names.remove(kind, name);
      throw error;
    }
  };

  /** A source in a pool that this node does not have is on another node: the caller is to look there. */
  const sourceIn = (source: ContentSource): { pool: Pool; uuid: string } => {
    const parsed = parseId(source.id);
    if (parsed !== undefined && poolOf(parsed.poolId) === undefined) {
      requireAllKnown(parsed.poolId);
      throw new BerthError('SOURCE_ELSEWHERE', { id: source.id });
    }
    return locate(source.id, source.kind === 'volume' ? 'VOLUME_NOT_FOUND' : 'SNAPSHOT_NOT_FOUND');
  };

  const readyOpened = (pool: Pool): Opened => {
    if (pool.opened !== undefined) return pool.opened;
    const { state, reason = 'it is not open yet' } = pool.status();
    throw new BerthError('POOL_UNAVAILABLE', { pool: pool.config.name, state, reason });
  };

  const createVolume = (request: CreateVolume, call: Call) => {
    const source = request.source && sourceIn(request.source);
    const choose = (): Pool => {
      const candidates = poolsOfClass(request.parameters);
      if (source === undefined) return choosePool(candidates);
      if (candidates.includes(source.pool)) return source.pool;
      throw new BerthError('CONTENT_INCOMPATIBLE', {
        problem: `its source is in pool ${source.pool.config.name} of class ${source.pool.config.class}`,
      });
    };
    return named('volume', request.name, choose, (pool) => {
      const offers = readyOpened(pool);
      const content = chooseContent(request.capabilities, offers);
      if (pool.config.backend !== 'image') refuseFilesystemOptions(content, request.capabilities);
      const sizeBytes = chooseSize(request.size, {
        granularityBytes: offers.granularityBytes,
        minimumBytes: offers.minimumBytes[content] ?? 0n,
      });
      return pool.call(
        'createVolume',
        {
          name: request.name,
          size: request.size,
          sizeBytes,
          content,
          parameters: request.parameters,
          source: request.source && source && { kind: request.source.kind, uuid: source.uuid },
        },
        call,
      );
    });
  };

  /** Goes through the pools in the order of their ids. Pools that are away make the listing fail rather than look empty. */
  const listAcross = async <T extends { id: string }>(
    page: { token: string; max: number },
    fetch: (pool: Pool, after: string | undefined, limit: number) => Promise<T[]>,
  ): Promise<Page<T>> => {
    const start = fromToken(page.token);
    const ordered = pools()
      .filter((pool) => pool.id !== undefined && (start === undefined || pool.id >= start.poolId))
      .toSorted((a, b) => (a.id! < b.id! ? -1 : 1));
    const items: T[] = [];
    for (const pool of ordered) {
      let after = start?.poolId === pool.id ? start?.uuid : undefined;
      for (;;) {
        const wanted = page.max === 0 ? PAGE_SIZE : Math.min(PAGE_SIZE, page.max - items.length + 1);
        const found = await fetch(pool, after, wanted);
        items.push(...found);
        if (page.max > 0 && items.length > page.max) {
          const kept = items.slice(0, page.max);
          return { items: kept, next: toToken(kept.at(-1)!.id) };
        }
        if (found.length < wanted) break;
        after = parseId(found.at(-1)!.id)!.uuid;
      }
    }
    return { items };
  };

  return {
    poolOpened(opened) {
      for (const { kind, name } of opened.names) names.add(kind, name, opened.id);
    },

    createVolume,
    async deleteVolume(id, call) {
      const { pool, uuid } = locateOrGone(id);
      if (pool === undefined) return;
      await pool.call('deleteObject', { kind: 'volume', uuid }, call);
    },
    async getVolume(id, call) {
      const { pool, uuid } = locate(id, 'VOLUME_NOT_FOUND');
      return pool.call('getVolume', { uuid }, call);
    },
    listVolumes: (page, call) =>
      listAcross(page, (pool, after, limit) =>
        pool.call('listVolumes', after === undefined ? { limit } : { after, limit }, call),
      ),
    async capacity(query) {
      const rooms = poolsOfClass(query.parameters).flatMap((pool) => roomFor(pool, query.capabilities));
      return {
        availableBytes: rooms.reduce((sum, { bytes }) => sum + bytes, 0n),
        maximumVolumeBytes: sorted(rooms.map(({ bytes }) => bytes)).at(-1) ?? 0n,
        minimumVolumeBytes: sorted(rooms.map(({ minimumBytes }) => minimumBytes))[0],
      };
    },
    checkCapabilities: explainMismatch,
    async expandVolume({ id, size, capability }, call) {
      const { pool, uuid } = locate(id, 'VOLUME_NOT_FOUND');
      if (capability !== undefined) {
        const volume = await pool.call('getVolume', { uuid }, call);
        const problem = explainMismatch(volume, [capability]);
        if (problem !== undefined) throw new BerthError('CAPABILITY_UNSUPPORTED', { problem });
      }
      const sizeBytes = chooseSize(size, { granularityBytes: readyOpened(pool).granularityBytes, minimumBytes: 0n });
      return pool.call('expandVolume', { uuid, sizeBytes }, call);
    },

    async createSnapshot({ name, sourceVolumeId }, call) {
      const { pool, uuid } = locate(sourceVolumeId, 'VOLUME_NOT_FOUND');
      return named(
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
      if (pool === undefined) return;
      await pool.call('deleteObject', { kind: 'snapshot', uuid }, call);
    },
    async getSnapshot(id, call) {
      const { pool, uuid } = locate(id, 'SNAPSHOT_NOT_FOUND');
      return pool.call('getSnapshot', { uuid }, call);
    },
    async listSnapshots({ id, sourceVolumeId, token, max }, call) {
      if (id !== undefined) {
        const { pool, uuid } = locateOrGone(id);
        if (pool === undefined) return { items: [] };
        const snapshot = await pool.call('getSnapshot', { uuid }, call).catch(unlessMissing);
        const matches =
          snapshot !== undefined && (sourceVolumeId === undefined || snapshot.sourceVolumeId === sourceVolumeId);
        return { items: matches ? [snapshot] : [] };
      }
      if (sourceVolumeId === undefined) {
        return listAcross({ token, max }, (pool, after, limit) =>
          pool.call('listSnapshots', after === undefined ? { limit } : { after, limit }, call),
        );
      }
      const source = locateOrGone(sourceVolumeId);
      return listAcross({ token, max }, async (pool, after, limit) =>
        pool !== source.pool
          ? []
          : pool.call(
              'listSnapshots',
              { limit, sourceUuid: source.uuid, ...(after === undefined ? {} : { after }) },
              call,
            ),
      );
    },
    async createGroupSnapshot({ name, sourceVolumeIds }, call): Promise<GroupSnapshot> {
      const located = sourceVolumeIds.map((id) => locate(id, 'VOLUME_NOT_FOUND'));
      const [first] = located;
      if (first === undefined) throw new BerthError('FIELD_MISSING', { field: 'source_volume_ids' });
      if (located.some(({ pool }) => pool !== first.pool)) {
        throw new BerthError('GROUP_NOT_CONSISTENT', { problem: 'they are in different pools' });
      }
      return named(
        'group',
        name,
        () => first.pool,
        (pool) => pool.call('createGroup', { name, sourceUuids: located.map(({ uuid }) => uuid) }, call),
      );
    },
    async deleteGroupSnapshot(id, snapshotIds, call) {
      const { pool, uuid } = locateOrGone(id);
      if (pool === undefined) return;
      await pool.call('deleteGroup', { uuid, snapshotUuids: uuidsOf(snapshotIds) }, call);
    },
    async getGroupSnapshot(id, snapshotIds, call) {
      const { pool, uuid } = locate(id, 'GROUP_SNAPSHOT_NOT_FOUND');
      return pool.call('getGroup', { uuid, snapshotUuids: uuidsOf(snapshotIds) }, call);
    },

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
      const { access, mode } = capability;
      await pool.call('publishVolume', { uuid, stagingPath, targetPath, access, mode, readOnly }, call);
    },
    async unpublishVolume({ id, targetPath }, call) {
      const { pool, uuid } = locateOrGone(id);
      if (pool === undefined) return refuseMount(targetPath);
      if (cannotAnswer(pool)) return unpublishDetached(uuid, targetPath);
      await pool.call('unpublishVolume', { uuid, targetPath }, call);
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
      if (size.requiredBytes > grown.sizeBytes) {
        throw new BerthError('SIZE_RANGE_EMPTY', {
          required: size.requiredBytes,
          limit: size.limitBytes,
          problem: `the volume has ${grown.sizeBytes} bytes; ControllerExpandVolume comes first`,
          granularity: readyOpened(pool).granularityBytes,
        });
      }
      return grown;
    },
    async volumeHealth(id, call): Promise<HealthProblem[]> {
      const { pool, uuid } = locate(id, 'VOLUME_NOT_FOUND');
      const away = poolProblem(pool);
      return away === undefined ? pool.call('volumeHealth', { uuid }, call) : [away];
    },
    storageHealth: () =>
      pools().flatMap((pool) => {
        const problem = poolProblem(pool);
        return problem === undefined ? [] : [{ pool: pool.config.name, problem }];
      }),

    pools: () => pools().map((pool) => pool.status()),
    async jobs(call) {
      const ready = pools().filter((pool) => pool.state === 'ready');
      return (await Promise.all(ready.map((pool) => pool.call('listJobs', {}, call)))).flat();
    },
    async cancelJob(id, call) {
      const parsed = parseId(id);
      const pool = parsed && poolOf(parsed.poolId);
      if (parsed === undefined || pool === undefined) throw new BerthError('JOB_NOT_FOUND', { id });
      await pool.call('cancelJob', { uuid: parsed.uuid }, call);
    },
  };

  /** Like `locate`, for calls to which something that never was is as good as gone. */
  function locateOrGone(id: string): { pool: Pool | undefined; uuid: string } {
    const parsed = parseId(id);
    if (parsed === undefined) return { pool: undefined, uuid: '' };
    const pool = poolOf(parsed.poolId);
    if (pool === undefined) requireAllKnown(parsed.poolId);
    return { pool, uuid: parsed.uuid };
  }
}

/** A pool whose thread is gone for good cannot undo its mounts itself, and its pods must be able to end. */
const cannotAnswer = (pool: Pool): boolean => pool.state === 'lost' || pool.state === 'failed';

function poolProblem(pool: Pool): HealthProblem | undefined {
  const { state, reason } = pool.status();
  if (state === 'ready') return undefined;
  return {
    status: state === 'opening' ? 'UNKNOWN' : 'INACCESSIBLE',
    reason:
      { opening: 'PoolOpening', unhealthy: 'PoolNotAnswering', lost: 'PoolLost' }[state as string] ?? 'PoolFailed',
    message: `pool ${pool.config.name} is ${state}${reason === undefined ? '' : `: ${reason}`}`,
  };
}

/** Whether a refused create is sure to have left no name behind. */
const leftNothing = (error: unknown): boolean =>
  error instanceof BerthError &&
  error.code !== 'POOL_DEADLINE' &&
  error.code !== 'OPERATION_PENDING' &&
  error.code !== 'POOL_UNAVAILABLE';

/** Volumes that are folders of the pool's own file system can have flags of their mount, and no options of theirs. */
function refuseFilesystemOptions(fsType: string, capabilities: readonly Capability[]): void {
  for (const { access } of capabilities) {
    const option = access.kind === 'mount' ? access.mountOptions.find((name) => !isMountFlag(name)) : undefined;
    if (option === undefined) continue;
    throw new BerthError('MOUNT_OPTION_REFUSED', { option, fsType, allowed: mountFlags.join(', ') });
  }
}

/** What a pool can still give to one volume with these capabilities, in whole steps; nothing when it cannot serve them. */
function roomFor(pool: Pool, capabilities: readonly Capability[]): { bytes: bigint; minimumBytes: bigint }[] {
  if (pool.state !== 'ready' || pool.opened === undefined) return [];
  const { granularityBytes, minimumBytes } = pool.opened;
  try {
    const content = chooseContent(capabilities, pool.opened);
    const bytes = (pool.availableBytes() / granularityBytes) * granularityBytes;
    return [{ bytes, minimumBytes: minimumBytes[content] ?? 0n }];
  } catch {
    return [];
  }
}

const sorted = (numbers: readonly bigint[]): bigint[] => numbers.toSorted((a, b) => (a < b ? -1 : 1));

function unlessMissing(error: unknown): undefined {
  if (error instanceof BerthError && error.status === 'NOT_FOUND') return undefined;
  throw error;
}

const uuidsOf = (ids: readonly string[]): string[] => ids.map((id) => parseId(id)?.uuid ?? id);
