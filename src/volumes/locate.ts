import { BerthError } from '../errors.ts';
import type { Pool } from '../pools/manager.ts';
import type { Opened } from '../pools/protocol.ts';
import { parseId } from './ids.ts';
import type { ContentSource } from './model.ts';

type Missing = 'VOLUME_NOT_FOUND' | 'SNAPSHOT_NOT_FOUND' | 'GROUP_SNAPSHOT_NOT_FOUND';

export interface Located {
  pool: Pool;
  uuid: string;
}

/** From an id to the pool that it names. */
export interface Locator {
  /** An id that is none, or of a pool that nobody knows, does not exist. */
  locate(id: string, missing: Missing): Located;
  /** The same for calls to which something that never was is as good as gone: then there is no pool. */
  locateOrGone(id: string): { pool: Pool | undefined; uuid: string };
  /** A source in a pool that this node does not have is on another node: the caller is to look there. */
  locateSource(source: ContentSource): Located;
}

export function createLocator(pools: () => readonly Pool[]): Locator {
  /** An id of a pool that has not been read yet is not gone, only out of reach. */
  const findPool = (poolId: string): Pool | undefined => {
    const pool = pools().find(({ id }) => id === poolId);
    if (pool !== undefined) return pool;
    const unread = pools().find(({ id }) => id === undefined);
    if (unread === undefined) return undefined;
    throw new BerthError('POOL_UNAVAILABLE', {
      pool: poolId,
      state: unread.state,
      reason: `pool ${unread.config.name} has not been opened yet and may be the one`,
    });
  };
  const locateOrGone: Locator['locateOrGone'] = (id) => {
    const parsed = parseId(id);
    return parsed === undefined ? { pool: undefined, uuid: '' } : { pool: findPool(parsed.poolId), uuid: parsed.uuid };
  };
  const locate: Locator['locate'] = (id, missing) => {
    const { pool, uuid } = locateOrGone(id);
    if (pool === undefined) throw new BerthError(missing, { id });
    return { pool, uuid };
  };
  return {
    locate,
    locateOrGone,
    locateSource({ kind, id }) {
      const parsed = parseId(id);
      if (parsed !== undefined && findPool(parsed.poolId) === undefined)
        throw new BerthError('SOURCE_ELSEWHERE', { id });
      return locate(id, kind === 'volume' ? 'VOLUME_NOT_FOUND' : 'SNAPSHOT_NOT_FOUND');
    },
  };
}

/** What the pool offers, which is known once it was opened. Throws POOL_UNAVAILABLE before. */
export function offersOf(pool: Pool): Opened {
  if (pool.opened !== undefined) return pool.opened;
  const { state, reason = 'it is not open yet' } = pool.status();
  throw new BerthError('POOL_UNAVAILABLE', { pool: pool.config.name, state, reason });
}
