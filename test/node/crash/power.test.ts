import { afterAll, describe, it } from 'vitest';
import { createBench } from './bench.ts';
import { type Calls, createCalls } from './calls.ts';
import type { Book } from './notes.ts';
import { verifyRestart } from './scenario.ts';
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
