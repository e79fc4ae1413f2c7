import { afterAll, describe, it } from 'vitest';
import { stepNames } from '../../../src/pools/steps.ts';
import { createBench } from './bench.ts';
import type { Random } from './random.ts';
import { type Kill, killUnderCalls, verifyRestart } from './scenario.ts';

/** How many seeds are tried; BERTH_CRASH_SEEDS says another number, BERTH_CRASH_SEED one to replay. */
const SEEDS = Number(process.env['BERTH_CRASH_SEEDS'] ?? 20);
const only = process.env['BERTH_CRASH_SEED'];
const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(only)];

const MOVES_PER_CALLER = 25;
const steps = stepNames.filter((step) => !step.startsWith('adopt.'));

/** At a random step, which the callers may or may not come to, or at a random time. */
const chooseKill = (random: Random): Kill =>
  random.chance(0.5)
    ? { step: random.pick(steps), moment: random.pick(['before', 'after']), count: random.between(1, 6) }
    : { moves: random.between(1, 150), afterMs: random.between(0, 25) };

describe('a daemon with three pools killed at random', () => {
  const bench = createBench(['btrfs', 'image-xfs', 'image-ext4']);
  afterAll(bench.dispose);

  it.each(seeds)('seed %i', (seed) =>
    bench.run({ seed, replay: `BERTH_CRASH_SEED=${seed} vitest run test/node/crash/seeds.test.ts` }, async (play) => {
      const { book } = await killUnderCalls(play, chooseKill(play.random), MOVES_PER_CALLER);
      return verifyRestart(play.lab, book, play.random);
    }),
  );
});
