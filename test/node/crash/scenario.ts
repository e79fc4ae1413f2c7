import { setTimeout as delay } from 'node:timers/promises';
import type { StepName } from '../../../src/pools/steps.ts';
import type { Daemon } from '../../helpers/daemon.ts';
import { until } from '../../helpers/until.ts';
import { type Calls, createCalls } from './calls.ts';
import { findProblems, settle, takeInventory } from './check.ts';
import type { CrashLab } from './lab.ts';
import type { Book } from './notes.ts';
import type { Random } from './random.ts';
import { findUnexplained, removeAll, repeatCalls } from './recover.ts';
import { startStream } from './stream.ts';

/** When the daemon is killed: at a step by itself, or from outside some time after so many moves of the callers. */
export type Kill = { step: StepName; moment: 'before' | 'after'; count: number } | { moves: number; afterMs: number };

/** Kills a daemon with empty pools under a stream of calls. Says whether it died before the callers had made all moves. */
export async function killUnderCalls(
  { lab, daemon, random }: { lab: CrashLab; daemon: Daemon; random: Random },
  kill: Kill,
  movesPerCaller: number,
): Promise<{ book: Book; end: 'died' | 'done' }> {
  const calls = createCalls(lab, daemon);
  const towards = 'step' in kill ? kill.step : undefined;
  let killed: Promise<unknown> | undefined;
  const onMove = (moves: number): void => {
    if ('moves' in kill && moves === kill.moves) killed = delay(kill.afterMs).then(() => daemon.stop('SIGKILL'));
  };
  if ('step' in kill) lab.arm(`${kill.step}:${kill.moment}:${kill.count}`);
  const stream = startStream({ lab, calls, random, towards, movesPerCaller, onMove });
  const end = await stream.ended.finally(() => lab.disarm());
  await killed;
  await daemon.stop('SIGKILL');
  return { book: stream.book(), end };
}

/**
 * Starts the daemon and holds it against the book; sends again what was not answered; takes everything back, and sees
 * that nothing is left. `prepare` does what must be done before anything can be read.
 */
export async function verifyRestart(
  lab: CrashLab,
  book: Book,
  random: Random,
  prepare: (calls: Calls) => Promise<void> = async () => {},
): Promise<Daemon> {
  const daemon = await lab.start();
  const calls = createCalls(lab, daemon);
  const refuse = (when: string, problems: readonly string[]): void => {
    if (problems.length > 0) throw new Error(`${when}: ${problems.join('\n')}`);
  };
  await settle(lab);
  await prepare(calls);
  const before = await takeInventory(calls);
  refuse('after the restart', await findProblems(lab, daemon, book, before));

  await repeatCalls(calls, book, random);
  await settle(lab);
  refuse('after the restart', findUnexplained(book, before));
  refuse('after all calls were repeated', await findProblems(lab, daemon, book, await takeInventory(calls)));

  await removeAll(calls, book);
  await settle(lab);
  await until(
    () => `nothing of the volumes is left: ${lab.leftovers().join(' ')}`,
    () => lab.leftovers().length === 0,
  );
  const left = await takeInventory(calls);
  const remaining = [...left.volumes.keys(), ...left.snapshots];
  refuse('after everything was taken back', [...remaining, ...(await findProblems(lab, daemon, book, left))]);
  return daemon;
}
