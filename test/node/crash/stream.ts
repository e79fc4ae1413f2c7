import type { StepName } from '../../../src/pools/steps.ts';
import { type Calls, DaemonDied } from './calls.ts';
import type { CrashLab } from './lab.ts';
import { chooseMove } from './moves.ts';
import { type Book, emptyBook, mergeBooks } from './notes.ts';
import type { Random } from './random.ts';

const CALLERS_PER_POOL = 4;

export interface StreamOptions {
  lab: CrashLab;
  calls: Calls;
  random: Random;
  /** Moves that lead to this step are likelier. */
  towards?: StepName | undefined;
  movesPerCaller: number;
  /** Called after each move of any caller, with the number of moves so far. */
  onMove?: ((moves: number) => void) | undefined;
}

/**
 * Several callers to each pool at once, each with volumes of its own, until the daemon dies or all have made their
 * moves. Says whether it died. The book is there from the start, and kept as the calls go.
 */
export function startStream(options: StreamOptions): { book(): Book; ended: Promise<'died' | 'done'> } {
  const { lab, calls, random, towards, movesPerCaller, onMove } = options;
  let moves = 0;
  const callers = lab.pools.flatMap(({ name: pool }) =>
    Array.from({ length: CALLERS_PER_POOL }, (_, index) => {
      const book = emptyBook();
      const own = random.fork();
      const prefix = `${pool}-${index}`;
      const work = async (): Promise<'died' | 'done'> => {
        try {
          for (let made = 0; made < movesPerCaller; made++) {
            const move = chooseMove({ pool, book, calls, prefix }, own, towards);
            await move?.act();
            onMove?.(++moves);
          }
          return 'done';
        } catch (error) {
          if (error instanceof DaemonDied) return 'died';
          throw error;
        }
      };
      return { book, work };
    }),
  );
  const ended = Promise.all(callers.map(({ work }) => work())).then((ends) =>
    ends.includes('died') ? 'died' : 'done',
  );
  return { book: () => mergeBooks(callers.map(({ book }) => book)), ended };
}
