import { afterAll, describe, it } from 'vitest';
import { type StepName, stepNames } from '../../../src/pools/steps.ts';
import type { Daemon } from '../../helpers/daemon.ts';
import { createBench, type Play } from './bench.ts';
import type { PoolName } from './lab.ts';
import { inParallel } from './parallel.ts';
import { killUnderCalls, verifyRestart } from './scenario.ts';

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
const MOVES_PER_CALLER = 100;

/** Those of a delete that a start takes to roll back what was being made. */
const recoverySteps = ['delete.intent', 'delete.move', 'delete.free', 'delete.forget'] as const;

const reaches = (pool: PoolName, step: StepName): boolean =>
  !step.startsWith('adopt.') && cannotOccur[pool][step] === undefined;

/** Each kind of pool has a daemon of its own; they are killed side by side, each before or after the same step. */
describe('a daemon killed under a stream of calls', () => {
  const benches = pools.map((pool) => ({ pool, bench: createBench([pool]) }));
  afterAll(() => Promise.all(benches.map(({ bench }) => bench.dispose())));

  const onEach = (concerned: typeof benches, seed: number, title: string, act: (play: Play) => Promise<Daemon>) =>
    inParallel(concerned, ({ bench }) =>
      bench.run({ seed, replay: `vitest run test/node/crash/matrix.test.ts -t '${title}'` }, act),
    );

  for (const [index, step] of stepNames.entries()) {
    const concerned = benches.filter(({ pool }) => reaches(pool, step));
    if (concerned.length === 0) continue;
    for (const moment of ['before', 'after'] as const) {
      const title = `${moment} ${step}`;
      it(title, () =>
        onEach(concerned, 10 * index + (moment === 'before' ? 1 : 2), title, async (play) => {
          const kill = { step, moment, count: play.random.between(1, 3) };
          const { book, end } = await killUnderCalls(play, kill, MOVES_PER_CALLER);
          if (end === 'done') throw new Error('no caller brought the daemon to this step');
          return verifyRestart(play.lab, book, play.random);
        }),
      );
    }
  }

  for (const [index, step] of recoverySteps.entries()) {
    for (const moment of ['before', 'after'] as const) {
      const title = `again while it recovers, ${moment} ${step}`;
      it(title, () =>
        onEach(benches, 1_000 + 10 * index + (moment === 'before' ? 1 : 2), title, async (play) => {
          const unfinished = { step: 'create.commit', moment: 'before', count: 2 } as const;
          const { book } = await killUnderCalls(play, unfinished, MOVES_PER_CALLER);
          play.lab.arm(`${step}:${moment}:1`);
          await play.lab.startToDie().finally(play.lab.disarm);
          return verifyRestart(play.lab, book, play.random);
        }),
      );
    }
  }
});
