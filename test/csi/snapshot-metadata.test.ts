import { expect, test } from 'vitest';
import type { BlockQuery } from '../../src/volumes/model.ts';
import { useWire } from './wire.ts';

const { call, createVolume, service, stream } = useWire();

interface Message {
  block_metadata_type: string;
  volume_capacity_bytes: string;
  block_metadata: { byte_offset: string; size_bytes: string }[];
}

async function snapshotOf(name: string, source_volume_id: string): Promise<string> {
  const { snapshot } = await call<{ snapshot: { snapshot_id: string } }>('CreateSnapshot', { name, source_volume_id });
  return snapshot.snapshot_id;
}

test('streams what is written, so many pieces a message', async () => {
  const { volume_id } = await createVolume();
  const snapshot_id = await snapshotOf('one', volume_id);
  const messages = await stream<Message>('GetMetadataAllocated', { snapshot_id, max_results: 3 });
  expect(messages.map(({ block_metadata }) => block_metadata.length)).toEqual([3, 3, 2]);
  expect(
    messages.flatMap(({ block_metadata }) => block_metadata).map(({ byte_offset }) => Number(byte_offset)),
  ).toEqual([0, 8_192, 16_384, 24_576, 32_768, 40_960, 49_152, 57_344]);
  expect(new Set(messages.map(({ volume_capacity_bytes }) => volume_capacity_bytes)).size).toBe(1);
  expect(new Set(messages.map(({ block_metadata_type }) => block_metadata_type))).toEqual(new Set(['VARIABLE_LENGTH']));
});

test('goes on in the middle of a piece', async () => {
  const { volume_id } = await createVolume();
  const [base_snapshot_id, target_snapshot_id] = [
    await snapshotOf('one', volume_id),
    await snapshotOf('two', volume_id),
  ];
  const request = { base_snapshot_id, target_snapshot_id, starting_offset: 33_000 };
  const [only, ...more] = await stream<Message>('GetMetadataDelta', request);
  expect(more).toEqual([]);
  expect(only?.block_metadata).toEqual([
    { byte_offset: '32768', size_bytes: '4096' },
    { byte_offset: '49152', size_bytes: '4096' },
  ]);
});

test('a snapshot in which nothing was written tells its size', async () => {
  const { volume_id } = await createVolume();
  const snapshot_id = await snapshotOf('one', volume_id);
  service().snapshotBlocks = async () => ({ sizeBytes: 7n, blocks: [] });
  expect(await stream<Message>('GetMetadataAllocated', { snapshot_id })).toEqual([
    { block_metadata_type: 'VARIABLE_LENGTH', volume_capacity_bytes: '7', block_metadata: [] },
  ]);
});

test('a failure after some messages ends the stream with an error', async () => {
  const asked: BlockQuery[] = [];
  service().snapshotBlocks = async (query) => {
    asked.push(query);
    if (asked.length > 1) throw new Error('secret');
    return { sizeBytes: 7n, blocks: [{ startBytes: 0n, endBytes: 1n }], nextBytes: 5n };
  };
  const failed = stream('GetMetadataAllocated', { snapshot_id: 's' });
  await expect(failed).rejects.toMatchObject({ status: 'INTERNAL', message: expect.not.stringContaining('secret') });
  expect(asked.map(({ fromBytes }) => fromBytes)).toEqual([0n, 5n]);
});

test.each([
  ['GetMetadataAllocated', {}, 'INVALID_ARGUMENT', 'FIELD_MISSING: snapshot_id'],
  ['GetMetadataAllocated', { snapshot_id: 'x' }, 'NOT_FOUND', 'SNAPSHOT_NOT_FOUND'],
  ['GetMetadataAllocated', { snapshot_id: 'x', starting_offset: -1 }, 'INVALID_ARGUMENT', 'starting_offset'],
  ['GetMetadataAllocated', { snapshot_id: 'x', max_results: -1 }, 'INVALID_ARGUMENT', 'max_results'],
  ['GetMetadataDelta', { target_snapshot_id: 'x' }, 'INVALID_ARGUMENT', 'FIELD_MISSING: base_snapshot_id'],
  ['GetMetadataDelta', { base_snapshot_id: 'x' }, 'INVALID_ARGUMENT', 'FIELD_MISSING: target_snapshot_id'],
] as const)('%s %j is %s', async (rpc, request, status, message) => {
  await expect(stream(rpc, request)).rejects.toMatchObject({ status, message: expect.stringContaining(message) });
});
