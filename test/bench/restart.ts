import type { Bench } from './bench.ts';
import { type Program, type Site, sources } from './berth.ts';
import { thousands } from './fill.ts';
import { median, milliseconds } from './measure.ts';
import { atMost, type Row, valueRow } from './row.ts';

/** From the start of the process until Probe says ready and a first page of ListVolumes is there. */
export async function measureRestart(bench: Bench, site: Site, program: Program, count: number): Promise<Row[]> {
  bench.say('restart');
  const restart = async (of: Program): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < (bench.quick ? 3 : 5); round++) {
      const berth = await site.start(of);
      times.push(berth.readyMs);
      await berth.stop();
    }
    return median(times);
  };
  const what = `start to ready with ${thousands(count)} volumes`;
  return [
    valueRow(what, milliseconds(await restart(program)), atMost(2_000)),
    valueRow(`${what}, from the sources`, milliseconds(await restart(sources))),
  ];
}
