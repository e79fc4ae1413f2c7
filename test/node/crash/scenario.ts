import { setTimeout as delay } from 'node:timers/promises';
import type { StepName } from '../../../src/pools/steps.ts';
import type { Daemon } from '../../helpers/daemon.ts';
import { until } from '../../helpers/until.ts';
import { createCalls } from './calls.ts';
import { findProblems, settle, takeInventory } from './check.ts';
import { type CrashLab, openCrashLab, type PoolName } from './lab.ts';
import type { Book } from './notes.ts';
import { createRandom, type Random } from './random.ts';
import { findUnexplained, removeAll, repeatCalls } from './recover.ts';
import { startStream } from './stream.ts';

const MOVES_PER_CALLER = 100;
const LOG_SHOWN = 3_000;

/** When the daemon is killed: at a step by itself, or from outside some time after so many moves of the callers. */
export type Kill = { step: StepName; moment: 'before' | 'after'; count: number } | { moves: number; afterMs: number };

/** Kills a daemon that is ready and has empty pools, starts it again, and checks all. Leaves such a daemon behind. */
export async function crashOnce(lab: CrashLab, daemon: Daemon, kill: Kill, random: Random): Promise<Daemon> {
  const calls = createCalls(lab, daemon);
  const towards = 'step' in kill ? kill.step : undefined;
  let killed: Promise<unknown> | undefined;
  const killOutside = (moves: number): void => {
    if ('moves' in kill && moves === kill.moves) killed = delay(kill.afterMs).then(() => daemon.stop('SIGKILL'));
  };
  if ('step' in kill) lab.arm(`${kill.step}:${kill.moment}:${kill.count}`);
  const { book, ended } = startStream({
    lab,
    calls,
    random,
    towards,
    movesPerCaller: MOVES_PER_CALLER,
    onMove: killOutside,
  });
  const end = await ended.finally(() => lab.disarm());
  await killed;
  if (end === 'done') throw new Error('no caller brought the daemon to this step');
  await daemon.stop('SIGKILL');
  return verifyRestart(lab, book(), random);
}

/** Starts the daemon and holds it against the book; takes everything back, and sees that nothing is left. */
export async function verifyRestart(lab: CrashLab, book: Book, random: Random): Promise<Daemon> {
  const daemon = await lab.start();
  const calls = createCalls(lab, daemon);
  await settle(lab);
  const before = await takeInventory(calls);
  const problems = (await findProblems(lab, daemon, book, before)).map((problem) => `after the restart: ${problem}`);
  refuse(problems);
  await repeatCalls(calls, book, random);
  await settle(lab);
  problems.push(...findUnexplained(book, before));
  problems.push(...(await findProblems(lab, daemon, book, await takeInventory(calls))));
  refuse(problems);
  await removeAll(calls, book);
  await settle(lab);
  await until(
    () => `nothing of the volumes is left: ${lab.leftovers().join(' ')}`,
    () => lab.leftovers().length === 0,
  );
  const left = await takeInventory(calls);
  problems.push(...left.volumes.keys(), ...left.snapshots);
  problems.push(...(await findProblems(lab, daemon, book, left)));
  refuse(problems.map((problem) => `after everything was taken back: ${problem}`));
  return daemon;
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** A lab for many cases, each of which starts with empty pools. After a case that fails the next gets a new one. */
export function createBench(names: readonly PoolName[], options: { pictures?: boolean } = {}) {
  let lab: CrashLab | undefined;
  let daemon: Daemon | undefined;
  const dispose = async (): Promise<void> => {
    await lab?.dispose();
    lab = daemon = undefined;
  };
  return {
    /** `replay` says how a failed case is run again. */
    async run(
      { seed, replay }: { seed: number; replay: string },
      play: (lab: CrashLab, daemon: Daemon, random: Random) => Promise<Daemon>,
    ): Promise<void> {
      lab ??= await openCrashLab(names, options);
      daemon ??= await lab.start();
      try {
        daemon = await play(lab, daemon, createRandom(seed));
      } catch (error) {
        const log = daemon.log().slice(-LOG_SHOWN);
        await dispose();
        throw new Error(`${(error as Error).message}\nto replay: ${replay}\nlog: ${log}`, { cause: error });
      }
    },
    dispose,
  };
}
