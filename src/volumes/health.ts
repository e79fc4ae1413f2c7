import type { Pool } from '../pools/manager.ts';
import type { HealthProblem, PoolState } from './model.ts';

const reasons: Partial<Record<PoolState, string>> = {
  opening: 'PoolOpening',
  unhealthy: 'PoolNotAnswering',
  lost: 'PoolLost',
  foreign: 'PoolForeign',
};

/** Why all volumes of a pool are out of reach, or undefined when they are not. */
export function poolProblem(pool: Pool): HealthProblem | undefined {
  const { state, reason } = pool.status();
  if (state === 'ready') return undefined;
  return {
    status: state === 'opening' ? 'UNKNOWN' : 'INACCESSIBLE',
    reason: reasons[state] ?? 'PoolFailed',
    message: `pool ${pool.config.name} is ${state}${reason === undefined ? '' : `: ${reason}`}`,
  };
}

export function storageHealth(pools: readonly Pool[]): { pool: string; problem: HealthProblem }[] {
  return pools.flatMap((pool) => {
    const problem = poolProblem(pool);
    return problem === undefined ? [] : [{ pool: pool.config.name, problem }];
  });
}
