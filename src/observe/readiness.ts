import type { PoolStatus } from '../volumes/model.ts';

/** Whether the daemon can take calls, and one plain line for each pool that is not as it should be. */
export interface Readiness {
  ready: boolean;
  reasons: string[];
}

/**
 * Ready once every pool has been opened or given up: a pool that is lost or broken later is reported and does not take
 * the others out of service.
 */
export function readiness(pools: readonly PoolStatus[]): Readiness {
  return {
    ready: pools.every((pool) => pool.state !== 'opening'),
    reasons: pools
      .filter((pool) => pool.state !== 'ready')
      .map((pool) => `pool ${pool.name} is ${pool.state}${pool.reason === undefined ? '' : `: ${pool.reason}`}`),
  };
}
