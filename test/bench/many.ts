import { type Bench, openFloor, openLab, openLoad } from './bench.ts';
import { createSite, type Program } from './berth.ts';
import { fillPool, manyVolumes, thousands } from './fill.ts';
import { measureGrowth } from './growth.ts';
import { measureMemory, settledMemory } from './memory.ts';
import { measureRestart } from './restart.ts';
import { atMost, type Row, valueRow } from './row.ts';

const DISK_BYTES = 16 * 2 ** 30;

/** What 10,000 volumes change: create rate, time to start, memory. Two pools, of which the first gets the volumes. */
export async function measureMany(bench: Bench, program: Program): Promise<Row[]> {
  const lab = openLab(bench);
  const load = openLoad(bench);
  const site = createSite(bench, lab, load, [
    { name: 'many', backend: 'btrfs', device: lab.device(DISK_BYTES).path },
    { name: 'few', backend: 'btrfs', device: lab.device(DISK_BYTES).path },
  ]);
  const floors = {
    many: await openFloor(bench, lab, DISK_BYTES),
    few: await openFloor(bench, lab, DISK_BYTES),
  };
  await (await site.start(program)).stop(); // what comes only with mkfs is not measured
  const idle = await measureMemory(bench, site, program, { what: '2 pools, idle', target: atMost(120) });

  const count = manyVolumes(bench);
  const berth = await site.start(program);
  await fillPool(bench, load, 'many', count);
  await floors.many.ask('create', { batch: 100, count });
  const growth = await measureGrowth(bench, site, load, floors, count);
  const grown = valueRow('memory right after they were made', await settledMemory(berth));
  await berth.stop();

  const restart = await measureRestart(bench, site, program, count);
  const what = `2 pools, ${thousands(count)} volumes`;
  const full = await measureMemory(bench, site, program, { what, target: atMost(160) });
  return [...growth, ...restart, ...idle, ...full, grown];
}
