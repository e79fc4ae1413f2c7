import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { LoopLab } from '../helpers/loop.ts';
import { type Bench, freeBytes, openLab, openLoad } from './bench.ts';
import { createSite, type PoolPlan, type Program } from './berth.ts';
import { inTurn, milliseconds } from './measure.ts';
import { atMost, compareRow, type Row } from './row.ts';

const GIB = 2 ** 30;
const SMALL_BYTES = 64 << 20;
const LARGE_BYTES = 10 * GIB;
/** Left free on the disk beside the data. */
const MARGIN_BYTES = 6 * GIB;
const BLOCK_BYTES = 4 << 20;

/**
 * Snapshots of volumes that hold much and little data, staged as if in use, the data on the disk. Constant means that
 * the large one's takes no longer than the small one's, up to noise.
 */
export async function measureSnapshot(bench: Bench, program: Program): Promise<Row[]> {
  const largeBytes = bench.quick ? GIB : roomFor(bench);
  return [
    ...(await measureOn(bench, program, 'btrfs', largeBytes)),
    ...(await measureOn(bench, program, 'image on xfs', largeBytes)),
  ];
}

/** 10 GiB, or what the disk has room for in whole GiB. */
function roomFor(bench: Bench): number {
  return Math.min(LARGE_BYTES, Math.max(1, Math.floor((freeBytes(bench) - MARGIN_BYTES) / GIB)) * GIB);
}

async function measureOn(
  parent: Bench,
  program: Program,
  kind: 'btrfs' | 'image on xfs',
  largeBytes: number,
): Promise<Row[]> {
  const what = `snapshot of a volume with ${largeBytes / GIB} GiB, ${kind}`;
  parent.say(what);
  return parent.scoped(async (bench) => {
    const lab = openLab(bench);
    const load = openLoad(bench);
    const site = createSite(bench, lab, load, [await planPool(lab, kind, largeBytes * 2 + 4 * GIB)]);
    await site.start(program);
    const prepare = async (dataBytes: number): Promise<string> => {
      const fsType = kind === 'btrfs' ? 'btrfs' : 'ext4';
      const sizeBytes = Math.ceil(dataBytes * 1.1) + (256 << 20);
      const id = await load.ask('createOne', { poolClass: 'pool', sizeBytes, fsType });
      const stagingPath = lab.folder('staging');
      await load.ask('stage', { id, stagingPath, fsType });
      writeData(join(stagingPath, 'data'), dataBytes);
      return id;
    };
    const large = await prepare(largeBytes);
    const small = await prepare(SMALL_BYTES);
    const p50 = await inTurn(bench.quick ? 5 : 9, {
      large: () => load.ask('snapshot', { sourceId: large }),
      small: () => load.ask('snapshot', { sourceId: small }),
    });
    return [compareRow(what, milliseconds(p50.large), milliseconds(p50.small, '64 MiB'), atMost(1.5))];
  });
}

async function planPool(lab: LoopLab, kind: 'btrfs' | 'image on xfs', diskBytes: number): Promise<PoolPlan> {
  if (kind === 'btrfs') return { name: 'pool', backend: 'btrfs', device: lab.device(diskBytes).path };
  return { name: 'pool', backend: 'image', directory: join(await lab.filesystem('xfs', diskBytes), 'pool') };
}

function writeData(path: string, bytes: number): void {
  const fd = openSync(path, 'wx');
  const block = Buffer.alloc(BLOCK_BYTES, 'berth');
  for (let written = 0; written < bytes; written += block.length) writeSync(fd, block);
  fsyncSync(fd);
  closeSync(fd);
}
