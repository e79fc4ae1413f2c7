import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type LoopLab, openLoopLab } from '../helpers/loop.ts';
import { type Agent, startAgent, type Work } from './agent.ts';
import type { FloorWork } from './floor.ts';
import type { LoadWork } from './load.ts';

/** What the parts of the benchmark share. */
export interface Bench {
  /** Less of everything. */
  quick: boolean;
  parentDir: string;
  say(message: string): void;
  /** To be called at the end, however that comes; the last first. */
  onClose(close: () => Promise<void> | void): void;
  close(): Promise<void>;
  /** Runs a part of the work that is closed by itself. */
  scoped<T>(work: (bench: Bench) => Promise<T>): Promise<T>;
}

export function openBench({ quick, parentDir = tmpdir() }: { quick: boolean; parentDir?: string | undefined }): Bench {
  const closers: (() => Promise<void> | void)[] = [];
  const bench: Bench = {
    quick,
    parentDir,
    say: (message) => process.stderr.write(`${message}\n`),
    onClose: (close) => void closers.push(close),
    async close() {
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
    },
    async scoped(work) {
      const inner = openBench({ quick, parentDir });
      bench.onClose(() => inner.close());
      try {
        return await work(inner);
      } finally {
        await inner.close();
      }
    },
  };
  return bench;
}

/** A folder with loop devices of the benchmark's own: files of `parentDir`, with direct I/O. */
export function openLab(bench: Bench): LoopLab {
  const lab = openLoopLab({ parentDir: bench.parentDir, directIo: true });
  bench.onClose(() => lab.dispose());
  return lab;
}

/** Bytes that are free where the loop files are. */
export function freeBytes({ parentDir }: Bench): number {
  const { bavail, bsize } = statfsSync(parentDir);
  return bavail * bsize;
}

function open<W extends Work>(bench: Bench, file: string, args: readonly string[] = []): Agent<W> {
  const agent = startAgent<W>(new URL(file, import.meta.url), args);
  bench.onClose(() => agent.stop());
  return agent;
}

export const openLoad = (bench: Bench): Agent<LoadWork> => open<LoadWork>(bench, './load.ts');

/** The floor on a btrfs of its own. */
export async function openFloor(bench: Bench, lab: LoopLab, sizeBytes: number): Promise<Agent<FloorWork>> {
  return open<FloorWork>(bench, './floor.ts', [await lab.filesystem('btrfs', sizeBytes)]);
}
