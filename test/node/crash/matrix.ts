import { afterAll, describe, it } from 'vitest';
import { type StepName, stepNames } from '../../../src/pools/steps.ts';
import type { PoolName } from './lab.ts';
import { crashOnce, createBench } from './scenario.ts';

const ADOPTION = 'pools are adopted in adopt.test.ts';
const NO_FREEZE = 'a snapshot of a subvolume is atomic by itself';
const NO_INNER = 'a subvolume has no file system inside that would have to grow';
const NO_DEVICE = 'a subvolume is mounted as it is';

/** Steps that cannot occur, and why. Every other one must be reached. */
const cannotOccur: Record<PoolName, Partial<Record<StepName, string>>> = {
  btrfs: {
    'snapshot.freeze': NO_FREEZE,
    'snapshot.thaw': NO_FREEZE,
    'clone.freeze': NO_FREEZE,
    'clone.thaw': NO_FREEZE,
    'expand.filesystem': NO_INNER,
    'stage.grow': NO_INNER,
    'unstage.detach': NO_DEVICE,
  },
  'image-xfs': {},
  'image-ext4': {},
};

/** Kills the daemon before and after each step that a pool's operations have, under a stream of calls. */
export function describeMatrix(pool: PoolName): void {
  describe(`the daemon killed, ${pool}`, () => {
    const bench = createBench([pool]);
    afterAll(bench.dispose);

    for (const [index, step] of stepNames.entries()) {
      const reason = step.startsWith('adopt.') ? ADOPTION : cannotOccur[pool][step];
      if (reason !== undefined) continue;
      for (const moment of ['before', 'after'] as const) {
        it(`${moment} ${step}`, async () => {
          const seed = 1_000 * index + (moment === 'before' ? 1 : 2);
          const replay = `vitest run test/node/crash/matrix-${pool}.test.ts -t '${moment} ${step}'`;
          await bench.run({ seed, replay }, (lab, daemon, random) =>
            crashOnce(lab, daemon, { step, moment, count: random.between(1, 3) }, random),
          );
        });
      }
    }
  });
}
