import { BerthError } from '../errors.ts';
import { isLimited } from '../pools/io-limits.ts';
import type { Pool } from '../pools/manager.ts';
import { offersOf } from './locate.ts';
import type { IoLimits } from './model.ts';

/** Throws IO_LIMITS_UNSUPPORTED when the pool cannot keep its volumes to limits; that there are none it can. */
export function requireIoLimits(pool: Pool, limits: IoLimits): void {
  const problem = offersOf(pool).ioLimitsProblem;
  if (problem !== undefined && isLimited(limits)) {
    throw new BerthError('IO_LIMITS_UNSUPPORTED', { pool: pool.config.name, problem });
  }
}
