import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type PoolConfig, parseConfig } from '../config/index.ts';
import { errorCode } from '../host/libc.ts';
import type { Backend } from '../volumes/model.ts';

/** A pool that a person made with `berth disk adopt`, in the form that the config file has. */
export interface AdoptedPool {
  name: string;
  class: string;
  backend: Backend;
  disks: [{ byId: string } | { path: string; allowLoop: true }];
}

/**
 * The list of pools that came by `berth disk adopt` instead of the config file. Only the list is kept here: what a pool
 * is and holds is on its disk.
 */
export function openAdopted(stateDir: string): { pools(): PoolConfig[]; add(pool: AdoptedPool): void } {
  const path = join(stateDir, 'adopted.json');
  const read = (): AdoptedPool[] => {
    try {
      return JSON.parse(readFileSync(path, 'utf8')) as AdoptedPool[];
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  };
  return {
    pools: () => toConfigs(read(), path),
    add(pool) {
      const others = read().filter(({ name }) => name !== pool.name);
      replaceFile(path, JSON.stringify([...others, pool], null, 2));
    },
  };
}

/** Goes through the config's own checks, so that every pool is described in one way. Throws CONFIG_INVALID. */
export const toConfigs = (pools: readonly AdoptedPool[], file: string): PoolConfig[] =>
  pools.length === 0 ? [] : [...parseConfig(JSON.stringify({ pools }), file).pools];

function replaceFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}
