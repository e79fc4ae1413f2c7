import type { Bench } from './bench.ts';
import { measureDiskList } from './disk-list.ts';
import { atMost, type Row, valueRow } from './row.ts';

/** The disk room's own measurements. */
export async function measureDisks(bench: Bench): Promise<Row[]> {
  bench.say('disk list');
  return (await measureDiskList()).map(({ what, value, unit, target }) =>
    valueRow(
      what,
      { value, text: `${value.toFixed(value < 10 ? 1 : 0)} ${unit}` },
      atMost(Number(target.replace(/[^\d.]/g, ''))),
    ),
  );
}
