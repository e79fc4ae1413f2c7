import { closeSync, constants, fsyncSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type CsiClient, connectCsi } from '../../csi/client.ts';
import { createFakeCluster, startTestController } from '../../helpers/controller.ts';
import { startDaemon } from '../../helpers/daemon.ts';
import { openLoopLab } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';

const MIB = 1 << 20;
const SIZE = 16 * MIB;
const CAPABILITY = { block: {}, access_mode: { mode: 'SINGLE_NODE_MULTI_WRITER' } };

interface Message {
  volume_capacity_bytes: string;
  block_metadata: { byte_offset: string; size_bytes: string }[];
}
type Range = readonly [start: number, end: number];

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const act of undo.splice(0).reverse()) await act();
});

/** A node with an image pool on `filesystem`, and a controller before it. */
async function start(filesystem: 'xfs' | 'btrfs' | 'ext4') {
  const lab = openLoopLab();
  undo.push(() => lab.dispose());
  const cluster = await createFakeCluster(join(lab.dir, 'cluster'));
  const controller = await startTestController(lab.dir, cluster);
  undo.push(() => controller.close());
  const directory = join(await lab.filesystem(filesystem, 512 * MIB), 'pool');
  const daemon = await startDaemon({
    dir: join(lab.dir, 'n1'),
    nodeName: 'n1',
    pools: [{ name: 'p', class: 'p', backend: 'image', directory }],
    config: { fleet: { controller: controller.address, caFile: cluster.caFile, tokenFile: cluster.issueToken('n1') } },
  });
  undo.push(() => daemon.stop());
  await until('the node serves its pool', () => cluster.untainted.size === 1);
  const through = connectCsi(controller.socket);
  undo.push(() => through.close());
  return { lab, node: daemon.csi, through };
}

async function createRaw(csi: CsiClient, name: string, source?: object): Promise<string> {
  const { volume } = await csi.call<{ volume: { volume_id: string } }>('CreateVolume', {
    name,
    capacity_range: { required_bytes: String(SIZE) },
    volume_capabilities: [CAPABILITY],
    volume_content_source: source,
  });
  return volume.volume_id;
}

async function publish(csi: CsiClient, volume_id: string, dir: string): Promise<string> {
  const staging_target_path = join(dir, `staging-${volume_id}`);
  const target_path = join(dir, `pod-${volume_id}`);
  mkdirSync(staging_target_path);
  const common = { volume_id, staging_target_path, volume_capability: CAPABILITY };
  await csi.call('NodeStageVolume', common);
  await csi.call('NodePublishVolume', { ...common, target_path });
  undo.push(async () => {
    await csi.call('NodeUnpublishVolume', { volume_id, target_path });
    await csi.call('NodeUnstageVolume', { volume_id, staging_target_path });
  });
  return target_path;
}

async function snapshot(csi: CsiClient, name: string, source_volume_id: string): Promise<string> {
  const made = await csi.call<{ snapshot: { snapshot_id: string } }>('CreateSnapshot', { name, source_volume_id });
  return made.snapshot.snapshot_id;
}

function write(device: string, offset: number, bytes: number, letter: string): void {
  const fd = openSync(device, constants.O_RDWR);
  writeSync(fd, Buffer.alloc(bytes, letter), 0, bytes, offset);
  fsyncSync(fd);
  closeSync(fd);
}

function contentOf(device: string): Buffer {
  const fd = openSync(device, constants.O_RDONLY);
  const content = Buffer.alloc(SIZE);
  for (let done = 0; done < SIZE; ) done += readSync(fd, content, done, SIZE - done, done);
  closeSync(fd);
  return content;
}

const rangesOf = (messages: readonly Message[]): Range[] =>
  messages.flatMap(({ block_metadata }) =>
    block_metadata.map(({ byte_offset, size_bytes }): Range => {
      return [Number(byte_offset), Number(byte_offset) + Number(size_bytes)];
    }),
  );
const total = (ranges: readonly Range[]): number => ranges.reduce((sum, [start, end]) => sum + end - start, 0);
const allocated = async (csi: CsiClient, request: object) =>
  rangesOf(await csi.stream('GetMetadataAllocated', request));
const delta = async (csi: CsiClient, base_snapshot_id: string, target_snapshot_id: string, more: object = {}) =>
  rangesOf(await csi.stream('GetMetadataDelta', { base_snapshot_id, target_snapshot_id, ...more }));

test.each(['xfs', 'btrfs'] as const)('a backup by changed blocks is the snapshot, on %s', async (filesystem) => {
  const { lab, node, through } = await start(filesystem);
  const volume = await createRaw(node, 'raw');
  const device = await publish(node, volume, lab.dir);
  const empty = await snapshot(node, 'empty', volume);
  expect(await allocated(node, { snapshot_id: empty })).toEqual([]);

  for (const [index, offset] of [0, 3, 4, 9].entries()) write(device, offset * MIB, 256 << 10, 'abcd'[index]!);
  const first = await snapshot(node, 'first', volume);
  const before = contentOf(device);
  write(device, 3 * MIB + 8_192, 4_096, 'X');
  write(device, 12 * MIB, 65_536, 'Y');
  write(device, 4 * MIB, 4_096, 'c'); // written again, as it was: may be told or not
  const second = await snapshot(node, 'second', volume);
  const after = contentOf(device);
  write(device, 0, 256 << 10, 'Z'); // after the snapshots

  const restore = (image: Buffer, ranges: readonly Range[], source: Buffer): Buffer => {
    const copy = Buffer.from(image);
    for (const [start, end] of ranges) source.copy(copy, start, start, end);
    return copy;
  };
  const written = await allocated(node, { snapshot_id: second });
  expect(restore(Buffer.alloc(SIZE), written, after).equals(after)).toBe(true);
  expect(total(written)).toBeLessThanOrEqual(2 * MIB);
  const changed = await delta(node, first, second);
  expect(restore(before, changed, after).equals(after)).toBe(true);
  expect(total(changed)).toBeLessThanOrEqual(256 << 10);
  expect(restore(Buffer.alloc(SIZE), await delta(node, empty, first), before).equals(before)).toBe(true);
  expect(await delta(node, second, second)).toEqual([]);
  // Back in time: what was written since is a hole, or other blocks, before.
  expect(restore(after, await delta(node, second, first), before).equals(before)).toBe(true);

  expect(await delta(through, first, second, { max_results: 1 })).toEqual(changed);
  expect(await allocated(through, { snapshot_id: second, max_results: 1 })).toEqual(written);
  const resumed = await delta(through, first, second, { starting_offset: changed.at(-1)![0] });
  expect(resumed).toEqual([changed.at(-1)]);

  const beyond = { snapshot_id: first, starting_offset: SIZE + 1 };
  await expect(allocated(through, beyond)).rejects.toMatchObject({ status: 'OUT_OF_RANGE' });
  const other = await snapshot(node, 'other', await createRaw(node, 'raw-2'));
  const unrelated = { status: 'INVALID_ARGUMENT', message: expect.stringContaining('SNAPSHOTS_UNRELATED') };
  await expect(delta(through, other, second)).rejects.toMatchObject(unrelated);
});

test('where snapshots are full copies, what is written is told and what has changed is not', async () => {
  const { lab, node } = await start('ext4');
  const volume = await createRaw(node, 'raw');
  write(await publish(node, volume, lab.dir), 5 * MIB, 65_536, 'a');
  await undo.pop()!(); // a copy of what is in use would not be of one moment
  const [one, two] = [await snapshot(node, 'one', volume), await snapshot(node, 'two', volume)];
  expect(await allocated(node, { snapshot_id: one })).toEqual([[5 * MIB, 5 * MIB + 65_536]]);
  const unsupported = { status: 'FAILED_PRECONDITION', message: expect.stringContaining('full copies') };
  await expect(delta(node, one, two)).rejects.toMatchObject(unsupported);
});
