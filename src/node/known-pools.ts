import { join } from 'node:path';
import { z } from 'zod';
import type { KnownPools } from '../pools/managed-pool.ts';
import { readStateFile, writeStateFile } from './state-file.ts';

const schema = z.record(z.string(), z.uuid());

/**
 * Which pool was open under each name of the config, over restarts. Nothing is served from it: it keeps a disk or folder
 * that has come to be empty from becoming a new pool under the old name, and says of a volume whose pool is not there
 * that it is out of reach instead of gone.
 */
export function openKnownPools(stateDir: string): KnownPools {
  const path = join(stateDir, 'known-pools.json');
  const ids = new Map(Object.entries(readStateFile(path, schema) ?? {}));
  const save = (): void => writeStateFile(path, Object.fromEntries(ids));
  return {
    idOf: (name) => ids.get(name),
    remember(name, id) {
      if (ids.get(name) === id) return;
      ids.set(name, id);
      save();
    },
    forget(name) {
      if (ids.delete(name)) save();
    },
  };
}
