import type { Agent } from './agent.ts';
import type { Bench } from './bench.ts';
import type { LoadWork } from './load.ts';

export const SIZE_BYTES = 64 << 20;
const CALLERS = 32;
const STEP = 2_000;

/** What "many volumes" means; a quick run makes do with fewer, and its lines say so. */
export const manyVolumes = ({ quick }: Bench): number => (quick ? 2_000 : 10_000);

export const thousands = (count: number): string => count.toLocaleString('en-US');

/** Creates `count` volumes in the pool of that class. */
export async function fillPool(bench: Bench, load: Agent<LoadWork>, poolClass: string, count: number): Promise<void> {
  for (let made = 0; made < count; made += STEP) {
    bench.say(`${poolClass}: ${thousands(made)} of ${thousands(count)} volumes`);
    await load.ask('create', {
      callers: CALLERS,
      count: Math.min(STEP, count - made),
      poolClass,
      sizeBytes: SIZE_BYTES,
    });
  }
}
