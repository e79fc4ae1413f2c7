import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, openLab, openLoad } from './bench.ts';
import { createSite, type PoolPlan, type Program } from './berth.ts';
import { measureFio, type Pattern, patterns } from './fio.ts';
import { inTurn } from './measure.ts';
import { atLeast, compareRow, type Row } from './row.ts';

const GIB = 2 ** 30;
const DISK_BYTES = 8 * GIB;

/** fio through a volume against the file system of its pool: the same file size, the same jobs, direct I/O, in turn. */
export async function measureThroughput(bench: Bench, program: Program): Promise<Row[]> {
  return [...(await measureOn(bench, program, 'btrfs')), ...(await measureOn(bench, program, 'image on xfs'))];
}

async function measureOn(parent: Bench, program: Program, kind: 'btrfs' | 'image on xfs'): Promise<Row[]> {
  return parent.scoped(async (bench) => {
    const lab = openLab(bench);
    const load = openLoad(bench);
    const beside = kind === 'btrfs' ? undefined : await lab.filesystem('xfs', DISK_BYTES);
    const plan: PoolPlan =
      beside === undefined
        ? { name: 'pool', backend: 'btrfs', device: lab.device(DISK_BYTES).path }
        : { name: 'pool', backend: 'image', directory: join(beside, 'pool') };
    const site = createSite(bench, lab, load, [plan]);
    await site.start(program);
    const runtimeS = bench.quick ? 1 : 2;
    const fileBytes = bench.quick ? GIB / 4 : GIB;
    const fsType = kind === 'btrfs' ? 'btrfs' : 'xfs';
    const id = await load.ask('createOne', { poolClass: 'pool', sizeBytes: 3 * GIB, fsType });
    const volume = lab.folder('staging');
    await load.ask('stage', { id, stagingPath: volume, fsType });
    const pool = beside ?? site.poolPath(id);
    const direct = join(pool, 'beside');
    mkdirSync(direct);

    const rows: Row[] = [];
    for (const [name, pattern] of Object.entries(patterns) as [string, Pattern][]) {
      bench.say(`fio ${name}, ${kind}`);
      const rates = await inTurn(bench.quick ? 2 : 4, {
        volume: () => measureFio(volume, pattern, { fileBytes, runtimeS }),
        pool: () => measureFio(direct, pattern, { fileBytes, runtimeS }),
      });
      const text = (value: number): string => `${value.toFixed(0)} ${pattern.unit}`;
      rows.push(
        compareRow(
          `fio ${name}, ${kind}`,
          { value: rates.volume, text: text(rates.volume) },
          { value: rates.pool, text: `pool ${text(rates.pool)}` },
          atLeast(0.95),
        ),
      );
    }
    return rows;
  });
}
