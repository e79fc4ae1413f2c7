import { type Bench, openFloor, openLab, openLoad } from './bench.ts';
import { createSite, type Program } from './berth.ts';
import { inTurn, median, milliseconds, perSecond, sum } from './measure.ts';
import { atLeast, atMost, compareRow, type Row } from './row.ts';
import { openTools } from './tools.ts';

const DISK_BYTES = 16 * 2 ** 30;
const SIZE_BYTES = 64 << 20;
const WARM_UP = 200;

/** CreateVolume over gRPC against the floor and against spawned tools, each on a btrfs of its own on the same disk. */
export async function measureCreate(bench: Bench, program: Program): Promise<Row[]> {
  const lab = openLab(bench);
  const load = openLoad(bench);
  const site = createSite(bench, lab, load, [{ name: 'pool', backend: 'btrfs', device: lab.device(DISK_BYTES).path }]);
  const floor = await openFloor(bench, lab, DISK_BYTES);
  const tools = await openTools(await lab.filesystem('btrfs', DISK_BYTES));
  await site.start(program);

  const berth = (callers: number, count: number) =>
    load.ask('create', { callers, count, poolClass: 'pool', sizeBytes: SIZE_BYTES });
  const rateOfFloor = async (batch: number, count: number): Promise<number> =>
    (count / sum(await floor.ask('create', { batch, count }))) * 1_000;
  await berth(16, WARM_UP);
  await rateOfFloor(16, WARM_UP);

  const rows: Row[] = [];
  const rounds = bench.quick ? 4 : 8;
  for (const [callers, count] of [
    [16, 320],
    [64, 512],
  ] as const) {
    bench.say(`create, ${callers} callers`);
    const rates = await inTurn(rounds, {
      berth: async () => count / (await berth(callers, count)).seconds,
      floor: () => rateOfFloor(callers, count),
      tools: () => tools.create({ callers, count: callers * 2 }),
    });
    const what = `CreateVolume, ${callers} callers`;
    rows.push(
      compareRow(what, perSecond(rates.berth), perSecond(rates.floor, 'floor'), atLeast(0.5)),
      compareRow(what, perSecond(rates.berth), perSecond(rates.tools, 'tools'), atLeast(8)),
    );
  }

  bench.say('create, 1 caller');
  const latencies = await inTurn(rounds, {
    berth: async () => median((await berth(1, 60)).latencies),
    floor: async () => median(await floor.ask('create', { batch: 1, count: 60 })),
  });
  const [p50, floorP50] = [milliseconds(latencies.berth), milliseconds(latencies.floor, 'floor')];
  rows.push(compareRow('CreateVolume p50, 1 caller', p50, floorP50, atMost(1.5)));
  return rows;
}
