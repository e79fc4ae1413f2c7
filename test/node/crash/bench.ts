import type { Daemon } from '../../helpers/daemon.ts';
import { type CrashLab, openCrashLab, type PoolName } from './lab.ts';
import { createRandom, type Random } from './random.ts';

const LOG_SHOWN = 3_000;

/** What a case works on: a daemon that is ready, with empty pools. */
export interface Play {
  lab: CrashLab;
  daemon: Daemon;
  random: Random;
}

/** A lab for many cases, each of which leaves what it found. After a case that fails the next one gets a new lab. */
export function createBench(names: readonly PoolName[], options: { pictures?: boolean } = {}) {
  let lab: CrashLab | undefined;
  let daemon: Daemon | undefined;
  const dispose = async (): Promise<void> => {
    await lab?.dispose();
    lab = daemon = undefined;
  };
  return {
    /** `act` returns the daemon that runs at its end; `replay` says how a case that failed is run again. */
    async run({ seed, replay }: { seed: number; replay: string }, act: (play: Play) => Promise<Daemon>): Promise<void> {
      lab ??= await openCrashLab(names, options);
      daemon ??= await lab.start();
      try {
        daemon = await act({ lab, daemon, random: createRandom(seed) });
      } catch (error) {
        const log = daemon.log().slice(-LOG_SHOWN);
        await dispose();
        throw new Error(`${(error as Error).message}\nto replay: ${replay}\nlog: ${log}`, { cause: error });
      }
    },
    dispose,
  };
}
