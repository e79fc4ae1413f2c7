import type { PoolConfig } from '../config/index.ts';
import { BerthError } from '../errors.ts';
import { managePool, type Pool, type PoolOptions } from './managed-pool.ts';

export type { Pool } from './managed-pool.ts';

export interface PoolManager {
  readonly pools: readonly Pool[];
  /** Opens a pool that was foreign, taking it over from its owner. One that is open is this node's already. */
  takeOver(name: string): Promise<void>;
  /** Lets what is there now be the pool of this name, and opens it. One that is ready stays. */
  forget(name: string): Promise<void>;
  /** Adds and opens a pool that the config does not have; disks have been chosen by a person. */
  add(config: PoolConfig): Promise<void>;
  /** Looks again at the disks of pools that are lost, and for disks of pools that are gone. */
  rescan(): void;
  /** Resolves when every pool of the config has been opened or has failed to once. */
  settled(): Promise<void>;
  close(graceMs: number): Promise<'closed' | 'stuck'>;
}

export interface ManagerOptions extends PoolOptions {
  pools: readonly PoolConfig[];
}

/** Opens every pool of the config and keeps it open: finds its disks, and tries again when it fails or comes back. */
export function managePools(options: ManagerOptions): PoolManager {
  const pools = options.pools.map((config) => managePool(config, options));
  return {
    get pools() {
      return pools.map((managed) => managed.pool);
    },
    async takeOver(name) {
      const managed = pools.find(({ pool }) => pool.config.name === name || pool.id === name);
      if (managed === undefined) throw new BerthError('POOL_UNKNOWN', { pool: name });
      if (managed.pool.state !== 'ready') await managed.open({ takeOver: true });
    },
    async forget(name) {
      const managed = pools.find(({ pool }) => pool.config.name === name);
      if (managed?.pool.state === 'ready') throw new BerthError('POOL_OPEN', { pool: name });
      if (managed === undefined && options.known.idOf(name) === undefined) {
        throw new BerthError('POOL_UNKNOWN', { pool: name });
      }
      options.known.forget(name);
      await managed?.open({ takeOver: false });
    },
    async add(config) {
      const managed = managePool(config, options);
      pools.push(managed);
      await managed.opening;
    },
    rescan() {
      for (const managed of pools) managed.look();
    },
    async settled() {
      await Promise.all(pools.map((managed) => managed.opening));
    },
    async close(graceMs) {
      const outcomes = await Promise.all(pools.map((managed) => managed.close(graceMs)));
      return outcomes.includes('stuck') ? 'stuck' : 'closed';
    },
  };
}
