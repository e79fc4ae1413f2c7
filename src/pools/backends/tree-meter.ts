import { lstatSync, readdirSync } from 'node:fs';
import { errorCode } from '../../host/libc.ts';

export interface TreeSize {
  bytes: bigint;
  inodes: bigint;
}

/** Beyond this many entries the answer is a lower bound: a large tree is not to hold up the pool. */
const ENTRIES_COUNTED = 50_000;
const TTL_MS = 10_000;

/** Counts what is in a directory tree, each name of a file by itself; an answer serves for a while. */
export function createTreeMeter(now: () => number = Date.now) {
  const known = new Map<string, { at: number; size: TreeSize }>();
  return {
    /** `key` is what the answer is remembered under. */
    measure(key: string, path: string): TreeSize {
      const before = known.get(key);
      if (before !== undefined && now() - before.at < TTL_MS) return before.size;
      const size = walk(path);
      known.set(key, { at: now(), size });
      return size;
    },
    forget: (key: string): void => void known.delete(key),
  };
}

function walk(root: string): TreeSize {
  const size = { bytes: 0n, inodes: 0n };
  const open = [root];
  for (let path = open.pop(); path !== undefined && size.inodes < ENTRIES_COUNTED; path = open.pop()) {
    // A tenant may remove or close off anything while it is counted.
    const stat = ignoring(() => lstatSync(path, { bigint: true }));
    if (stat === undefined) continue;
    size.bytes += stat.blocks * 512n;
    size.inodes += 1n;
    if (!stat.isDirectory()) continue;
    for (const name of ignoring(() => readdirSync(path)) ?? []) open.push(`${path}/${name}`);
  }
  return size;
}

function ignoring<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}
