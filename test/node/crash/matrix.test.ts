import { afterAll, describe, it } from 'vitest';
import { type StepName, stepNames } from '../../../src/pools/steps.ts';
import type { PoolName } from './lab.ts';
import { crashOnce, createBench } from './scenario.ts';

const NO_FREEZE = 'a snapshot of a subvolume is atomic by itself';
const NO_INNER = 'a subvolume has no file system inside that would have to grow';
const NO_DEVICE = 'a subvolume is mounted as it is';

/** Steps that cannot occur, and why. Every other one must be reached; those of adoption are in adopt.test.ts. */
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

const pools = ['btrfs', 'image-xfs', 'image-ext4'] as const;

const reaches = (pool: PoolName, step: StepName): boolean =>
  !step.startsWith('adopt.') && cannotOccur[pool][step] === undefined;

/** Each kind of pool has a daemon of its own; they are killed side by side, each before or after the same step. */
describe('a daemon killed under a stream of calls', () => {
  const benches = pools.map((pool) => ({ pool, bench: createBench([pool]) }));
  afterAll(() => Promise.all(benches.map(({ bench }) => bench.dispose())));

  for (const [index, step] of stepNames.entries()) {
    const concerned = benches.filter(({ pool }) => reaches(pool, step));
    if (concerned.length === 0) continue;
    it.each(['before', 'after'] as const)(`%s ${step}`, async (moment) => {
      const seed = 10 * index + (moment === 'before' ? 1 : 2);
      const replay = `vitest run test/node/crash/matrix.test.ts -t '${moment} ${step}'`;
      await inParallel(concerned, ({ bench }) =>
        bench.run({ seed, replay }, (lab, daemon, random) =>
          crashOnce(lab, daemon, { step, moment, count: random.between(1, 3) }, random),
        ),
      );
    });
  }
});

/** Lets all come to their end before any failure is told. */
async function inParallel<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const failures = (await Promise.allSettled(items.map(act))).flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason] : [],
  );
  if (failures.length > 0)
    throw failures.length === 1 ? failures[0] : new AggregateError(failures, failures.join('\n'));
}
