import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { bindMount, unmount } from '../../src/host/mount.ts';
import { type Bench, openLab, openLoad } from './bench.ts';
import { createSite, type Program } from './berth.ts';
import { SIZE_BYTES } from './fill.ts';
import { inTurn, median, milliseconds } from './measure.ts';
import { atMost, compareRow, type Row, valueRow } from './row.ts';
import { openTools } from './tools.ts';

const DISK_BYTES = 4 * 2 ** 30;
const VOLUMES = 20;

/** NodePublishVolume and NodeUnpublishVolume of a staged volume, by one caller. */
export async function measurePublish(bench: Bench, program: Program): Promise<Row[]> {
  bench.say('publish');
  const lab = openLab(bench);
  const load = openLoad(bench);
  const site = createSite(bench, lab, load, [{ name: 'pool', backend: 'btrfs', device: lab.device(DISK_BYTES).path }]);
  const tools = await openTools(await lab.filesystem('btrfs', DISK_BYTES));
  await site.start(program);

  const { ids } = await load.ask('create', { callers: 4, count: VOLUMES, poolClass: 'pool', sizeBytes: SIZE_BYTES });
  const volumes = ids.map((id) => ({
    id,
    stagingPath: lab.folder('staging'),
    targetPath: join(lab.folder('pod'), 'target'),
  }));
  for (const { id, stagingPath } of volumes) await load.ask('stage', { id, stagingPath, fsType: 'btrfs' });
  const [{ stagingPath: source, targetPath: target }] = volumes as [(typeof volumes)[0]];

  const p50 = await inTurn(bench.quick ? 3 : 8, {
    berth: async () => median((await load.ask('publish', { volumes, fsType: 'btrfs' })).latencies),
    tools: async () => median(await repeat(VOLUMES, () => tools.publish({ source, target }))),
    calls: async () => median(await repeat(VOLUMES, () => publishByCalls(source, target))),
  });
  const what = 'NodePublish + NodeUnpublish p50, 1 caller';
  return [
    valueRow(what, milliseconds(p50.berth), atMost(5)),
    compareRow(what, milliseconds(p50.berth), milliseconds(p50.tools, 'tools')),
    compareRow(what, milliseconds(p50.berth), milliseconds(p50.calls, 'mount, umount2')),
  ];
}

async function repeat(times: number, act: () => Promise<number> | number): Promise<number[]> {
  const values: number[] = [];
  for (let time = 0; time < times; time++) values.push(await act());
  return values;
}

function publishByCalls(source: string, target: string): number {
  const startedAt = performance.now();
  mkdirSync(target);
  bindMount(source, target);
  unmount(target);
  rmdirSync(target);
  return performance.now() - startedAt;
}
