import { BerthError } from '../errors.ts';
import type { Pool } from '../pools/manager.ts';
import type { Capability, Capacity, VolumeParameters } from './model.ts';
import { chooseContent } from './sizes.ts';

/** The pools that a StorageClass means. Throws POOL_CLASS_REQUIRED or POOL_CLASS_UNKNOWN. */
export function poolsOfClass(pools: readonly Pool[], parameters: VolumeParameters): Pool[] {
  const classes = [...new Set(pools.map((pool) => pool.config.class))];
  const wanted = parameters.poolClass ?? (classes.length === 1 ? classes[0] : undefined);
  if (wanted === undefined && classes.length > 1) {
    throw new BerthError('POOL_CLASS_REQUIRED', { classes: classes.join(', ') });
  }
  const matching = pools.filter((pool) => pool.config.class === wanted);
  if (matching.length === 0) {
    throw new BerthError('POOL_CLASS_UNKNOWN', {
      class: wanted ?? '(none named)',
      classes: classes.join(', ') || 'none',
    });
  }
  return matching;
}

/** The ready pool with the most room: a volume goes where it and its later growth fit best. */
export function choosePool(candidates: readonly Pool[]): Pool {
  const ready = candidates.filter((pool) => pool.state === 'ready');
  const [roomiest] = ready.toSorted((a, b) => Number(b.availableBytes() - a.availableBytes()));
  if (roomiest !== undefined) return roomiest;
  const away = candidates[0]!;
  const { state, reason = 'it is not open yet' } = away.status();
  throw new BerthError('POOL_UNAVAILABLE', { pool: away.config.name, state, reason });
}

/** What volumes with these capabilities can still have, over all pools that can serve them. */
export function measureCapacity(candidates: readonly Pool[], capabilities: readonly Capability[]): Capacity {
  const rooms = candidates.flatMap((pool) => roomIn(pool, capabilities));
  return {
    availableBytes: rooms.reduce((sum, { bytes }) => sum + bytes, 0n),
    maximumVolumeBytes: sorted(rooms.map(({ bytes }) => bytes)).at(-1) ?? 0n,
    minimumVolumeBytes: sorted(rooms.map(({ minimumBytes }) => minimumBytes))[0],
  };
}

/** In whole steps of the pool's granularity; nothing when the pool cannot serve them. */
function roomIn(pool: Pool, capabilities: readonly Capability[]): { bytes: bigint; minimumBytes: bigint }[] {
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
