import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createSubvolume, setReadOnly } from '../../../src/host/btrfs.ts';
import { createBench } from './bench.ts';
import { type Calls, createCalls } from './calls.ts';
import { inspectPool } from './inspect.ts';
import type { CrashPool } from './lab.ts';
import { type Book, isThere, uuidOf } from './notes.ts';
import { killUnderCalls, verifyRestart } from './scenario.ts';
import { startStream } from './stream.ts';

/** How often the power fails; BERTH_POWER_CUTS says another number, BERTH_CRASH_SEED one case to replay. */
const CUTS = Number(process.env['BERTH_POWER_CUTS'] ?? 6);
const only = process.env['BERTH_CRASH_SEED'];
const seeds = only === undefined ? Array.from({ length: CUTS }, (_, index) => index + 1) : [Number(only)];

const MOVES_PER_CALLER = 25;

describe('a machine that loses its power', () => {
  const bench = createBench(['btrfs', 'image-xfs', 'image-ext4'], { pictures: true });
  afterAll(bench.dispose);

  it.each(seeds)('seed %i', (seed) =>
    bench.run({ seed, replay: `BERTH_CRASH_SEED=${seed} vitest run test/node/crash/power.test.ts` }, async (play) => {
      const { lab, daemon, random } = play;
      const lastMove = random.between(1, 250);
      let book: Book | undefined;
      const cut = (): void => {
        book ??= structuredClone(stream.book());
        lab.disks.takePictures();
      };
      const stream = startStream({
        lab,
        calls: createCalls(lab, daemon),
        random,
        movesPerCaller: MOVES_PER_CALLER,
        onMove(moves) {
          if (moves !== lastMove) return;
          cut();
          void daemon.stop('SIGKILL');
        },
      });
      if ((await stream.ended) === 'done') cut();
      await daemon.stop('SIGKILL');
      await lab.cutPower();
      const mounted = forgetMounts(book!);
      return verifyRestart(lab, book!, random, (calls) => mountAgain(calls, mounted));
    }),
  );
});

/** What a power cut leaves when the disk is ahead of the ledger, made by hand: by itself it is a matter of luck. */
describe('a pool whose disk is ahead of its ledger', () => {
  const bench = createBench(['btrfs', 'image-xfs', 'image-ext4']);
  const btrfsBench = createBench(['btrfs']);
  afterAll(() => Promise.all([bench.dispose(), btrfsBench.dispose()]));

  it('gets back what was not promised to be deleted, and frees what nobody was promised', () =>
    bench.run(
      { seed: 1, replay: `vitest run test/node/crash/power.test.ts -t 'ahead of its ledger'` },
      async (play) => {
        const { book } = await killUnderCalls(play, { moves: 150, afterMs: 0 }, MOVES_PER_CALLER);
        const idle = book.volumes.filter((note) => isThere(note) && note.staged === 'no');
        expect(new Set(idle.map(({ pool }) => pool)).size).toBe(3);
        for (const pool of play.lab.pools) {
          const uuids = idle.filter((note) => note.pool === pool.name).map(({ id }) => uuidOf(id!));
          moveToTrash(pool.dir(), uuids);
          for (const folder of ['staging', 'trash']) makeStray(pool, join(pool.dir(), '.berth', folder));
        }
        return verifyRestart(play.lab, book, play.random);
      },
    ));

  it('has no snapshot that can be written to', () =>
    btrfsBench.run({ seed: 2, replay: `vitest run test/node/crash/power.test.ts -t 'written to'` }, async (play) => {
      const kill = { step: 'snapshot.place', moment: 'after', count: 2 } as const;
      const { book } = await killUnderCalls(play, kill, MOVES_PER_CALLER);
      const { snapshots } = inspectPool(play.lab.pools[0]!);
      expect(snapshots.size).toBeGreaterThan(0);
      for (const { path } of snapshots.values()) withFd(path, (fd) => setReadOnly(fd, false));
      return verifyRestart(play.lab, book, play.random);
    }));
});

function moveToTrash(poolDir: string, uuids: readonly string[]): void {
  for (const name of readdirSync(join(poolDir, 'volumes'))) {
    if (!uuids.includes(name.split('.')[0]!)) continue;
    renameSync(join(poolDir, 'volumes', name), join(poolDir, '.berth', 'trash', name));
  }
}

function makeStray({ backend }: CrashPool, folder: string): void {
  const name = `${randomUUID()}.1`;
  if (backend === 'btrfs') withFd(folder, (fd) => createSubvolume(fd, name, 1n << 20n));
  else writeFileSync(join(folder, `${name}.img`), 'half of a volume');
}

function withFd(path: string, use: (fd: number) => void): void {
  const fd = openSync(path, 'r');
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}

/** Nothing is mounted any more; the paths are still there. Returns the volumes that were mounted. */
function forgetMounts(book: Book): Book['volumes'] {
  const mounted = book.volumes.filter((note) => note.existence === 'there' && note.staged !== 'no');
  for (const note of book.volumes) {
    note.staged = 'no';
    if (note.published !== 'no') note.published = 'leaving';
  }
  return mounted;
}

/** Pods come back to their node; what their file systems had begun is finished at the mount. */
const mountAgain = async (calls: Calls, volumes: Book['volumes']): Promise<void> => {
  await Promise.all(volumes.map((note) => calls.stage(note)));
};
