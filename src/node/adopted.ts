import { join } from 'node:path';
import { z } from 'zod';
import { type PoolConfig, parseConfig } from '../config/index.ts';
import type { Backend } from '../volumes/model.ts';
import { readStateFile, writeStateFile } from './state-file.ts';

/** A pool that a person made with `berth disk adopt`, in the form that the config file has. */
export interface AdoptedPool {
  name: string;
  class: string;
  backend: Backend;
  disks: [{ byId: string } | { path: string; allowLoop: true }];
}

/** What the pools are is checked as the config's are. */
const described = z.array(z.custom<AdoptedPool>((value) => typeof value === 'object' && value !== null));

/**
 * The list of pools that came by `berth disk adopt` instead of the config file. Only the list is kept here: what a pool
 * is and holds is on its disk.
 */
export function openAdopted(stateDir: string): { pools(): PoolConfig[]; add(pool: AdoptedPool): void } {
  const path = join(stateDir, 'adopted.json');
  const read = (): AdoptedPool[] => readStateFile(path, described) ?? [];
  return {
    pools: () => toConfigs(read(), path),
    add(pool) {
      const others = read().filter(({ name }) => name !== pool.name);
      writeStateFile(path, [...others, pool]);
    },
  };
}

/** Goes through the config's own checks, so that every pool is described in one way. Throws CONFIG_INVALID. */
export const toConfigs = (pools: readonly AdoptedPool[], file: string): PoolConfig[] =>
  pools.length === 0 ? [] : [...parseConfig(JSON.stringify({ pools }), file).pools];
