import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../src/host/run.ts';
import type { Agent } from './agent.ts';
import type { Bench } from './bench.ts';
import type { Site } from './berth.ts';
import { SIZE_BYTES, thousands } from './fill.ts';
import type { FloorWork } from './floor.ts';
import type { LoadWork } from './load.ts';
import { inTurn, perSecond, sum } from './measure.ts';
import { atLeast, compareRow, type Row } from './row.ts';

const FEW = 100;
const CALLERS = 16;
const WARM_UP = 500;
const FREE_POLL_MS = 100;
const SYNC_TIMEOUT_MS = 60_000;

/** The create rate of a pool with `count` volumes against one with 100, and what of that the floor has as well. */
export async function measureGrowth(
  bench: Bench,
  site: Site,
  load: Agent<LoadWork>,
  floors: Record<'many' | 'few', Agent<FloorWork>>,
  count: number,
): Promise<Row[]> {
  bench.say('create rates');
  const [rounds, perRound] = bench.quick ? [3, 160] : [6, 320];
  const create = (poolClass: string, volumes: number) =>
    load.ask('create', { callers: CALLERS, count: volumes, poolClass, sizeBytes: SIZE_BYTES });
  /** Leaves the pool as it was, and nothing of the deletes to be written by what is measured next. */
  const rate = async (poolClass: string, volumes: number): Promise<number> => {
    const before = await capacityOf(load, poolClass);
    const { seconds, ids } = await create(poolClass, volumes);
    await load.ask('remove', { ids, callers: CALLERS });
    while ((await capacityOf(load, poolClass)) !== before) await delay(FREE_POLL_MS);
    await run('sync', ['--file-system', site.poolPath(ids[0]!)], { timeoutMs: SYNC_TIMEOUT_MS });
    return volumes / seconds;
  };
  await rate('few', WARM_UP);
  await create('few', FEW);
  const berth = await inTurn(rounds, { many: () => rate('many', perRound), few: () => rate('few', perRound) });

  const floorRate = async (floor: Agent<FloorWork>): Promise<number> =>
    (perRound / sum(await floor.ask('create', { batch: CALLERS, count: perRound }))) * 1_000;
  await floors.few.ask('create', { batch: CALLERS, count: FEW });
  const floor = await inTurn(rounds, { many: () => floorRate(floors.many), few: () => floorRate(floors.few) });

  const what = `CreateVolume with ${thousands(count)} volumes`;
  return [
    compareRow(what, perSecond(berth.many), perSecond(berth.few, `with ${FEW}`), atLeast(0.8)),
    compareRow('the same of the floor', perSecond(floor.many), perSecond(floor.few, `with ${FEW}`)),
  ];
}

async function capacityOf(load: Agent<LoadWork>, poolClass: string): Promise<string> {
  const request = { parameters: { poolClass } };
  const { available_capacity } = await load.ask('call', { rpc: 'GetCapacity', request });
  return String(available_capacity);
}
