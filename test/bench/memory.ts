import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { type Program, type RunningBerth, type Site, sources } from './berth.ts';
import { mebibytes, type Quantity } from './measure.ts';
import { type Row, type Target, valueRow } from './row.ts';

const SAMPLE_MS = 500;
const SAMPLES_ALIKE = 6;
const ALIKE_MIB = 0.5;
const SAMPLES_AT_MOST = 40;

/** Resident memory of a daemon that has just started on pools that exist. */
export async function measureMemory(
  bench: Bench,
  site: Site,
  program: Program,
  { what, target }: { what: string; target: Target },
): Promise<Row[]> {
  bench.say('memory');
  const measure = async (of: Program): Promise<Quantity> => {
    const berth = await site.start(of);
    const memory = await settledMemory(berth);
    await berth.stop();
    return memory;
  };
  return [
    valueRow(`memory, ${what}`, await measure(program), target),
    valueRow(`memory, ${what}, from the sources`, await measure(sources)),
  ];
}

/** VmRSS once it stays as it is, in MiB; pages of the Node binary that other processes share are in it. */
export async function settledMemory({ pid }: RunningBerth): Promise<Quantity> {
  const recent: number[] = [];
  for (let sample = 0; sample < SAMPLES_AT_MOST; sample++) {
    recent.push(Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024);
    if (recent.length > SAMPLES_ALIKE) recent.shift();
    if (recent.length === SAMPLES_ALIKE && Math.max(...recent) - Math.min(...recent) < ALIKE_MIB) break;
    await delay(SAMPLE_MS);
  }
  return mebibytes(recent.at(-1)!);
}
