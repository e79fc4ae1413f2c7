import { randomUUID } from 'node:crypto';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/host/run.ts';

/** The same work by programs, as most drivers do it. */
export interface Tools {
  /** Creates `count` volumes with `callers` at once; volumes per second. */
  create(options: { callers: number; count: number }): Promise<number>;
  /** Bind-mounts a directory and unmounts it; how long that took, in ms. */
  publish(options: { source: string; target: string }): Promise<number>;
}

const TIMEOUT_MS = 60_000;
const SIZE = '64M';

/** On a btrfs mounted at `dir` that the tools have to themselves, with quotas on. */
export async function openTools(dir: string): Promise<Tools> {
  const spawn = (file: string, ...args: string[]) => run(file, args, { timeoutMs: TIMEOUT_MS });
  await spawn('btrfs', 'quota', 'enable', dir);
  const create = async (): Promise<void> => {
    const path = join(dir, randomUUID());
    await spawn('btrfs', 'subvolume', 'create', path);
    await spawn('btrfs', 'qgroup', 'limit', SIZE, path);
    await spawn('sync', '--file-system', path);
  };
  return {
    async create({ callers, count }) {
      let left = count;
      const caller = async (): Promise<void> => {
        while (left-- > 0) await create();
      };
      const startedAt = performance.now();
      await Promise.all(Array.from({ length: callers }, caller));
      return (count / (performance.now() - startedAt)) * 1_000;
    },
    async publish({ source, target }) {
      const startedAt = performance.now();
      mkdirSync(target);
      await spawn('mount', '--bind', source, target);
      await spawn('umount', target);
      rmdirSync(target);
      return performance.now() - startedAt;
    },
  };
}
