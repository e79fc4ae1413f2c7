import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type * as protobuf from 'protobufjs';
import { expect } from 'vitest';
import type { Snapshot, Volume, VolumeGroupSnapshot } from '../../../src/csi/types.ts';
import { type CallError, type CsiClient, connectCsi } from '../client.ts';
import { loadOurs, Service } from '../descriptor/ours.ts';
import { messages } from './messages.ts';
import type { Known } from './values.ts';

export interface FuzzTarget {
  socket: string;
  nodeName: string;
  /** A folder of its own: generated messages may stage and publish in it. */
  workDir: string;
  /** Messages for each RPC. */
  runs: number;
}

/** What an answer to a hostile message may be. INTERNAL, UNKNOWN or a broken connection are bugs. */
const ALLOWED = [
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
];

export const rpcs: readonly protobuf.Method[] = loadOurs().nestedArray.flatMap((thing) =>
  thing instanceof Service ? thing.methodsArray : [],
);

/** Sends generated messages of one RPC; throws fast-check's report, with the seed, at the first wrong answer. */
export async function fuzzRpc(rpc: protobuf.Method, target: FuzzTarget): Promise<void> {
  const type = rpc.resolvedRequestType!;
  const encode = (message: object): Buffer => Buffer.from(type.encode(type.fromObject(message)).finish());
  await withObjects(target, rpc.name, (client, known) =>
    fc.assert(
      fc.asyncProperty(messages(type, known), (message) => expectAnswer(client, rpc.name, encode(message))),
      { numRuns: target.runs },
    ),
  );
}

/** Sends messages whose bytes were changed after encoding. */
export async function fuzzBytes(rpc: protobuf.Method, target: FuzzTarget): Promise<void> {
  const type = rpc.resolvedRequestType!;
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
  const mutate = (message: object, at: readonly [number, number][]): Buffer => {
    const bytes = Buffer.from(type.encode(type.fromObject(message)).finish());
    for (const [index, value] of at) if (bytes.length > 0) bytes[index % bytes.length] = value;
    return bytes;
  };
  await withObjects(target, `${rpc.name}-bytes`, (client, known) =>
    fc.assert(
      fc.asyncProperty(messages(type, known), changes, (message, at) =>
        expectAnswer(client, rpc.name, mutate(message, at)),
      ),
      { numRuns: target.runs },
    ),
  );
}

/** Makes what messages can name, anew for each run, since some of them delete it. */
async function withObjects(
  target: FuzzTarget,
  label: string,
  use: (client: CsiClient, known: Known) => Promise<void>,
): Promise<void> {
  const client = connectCsi(target.socket);
  const workDir = join(target.workDir, label);
  try {
    mkdirSync(join(workDir, 'staging'), { recursive: true });
    await use(client, { nodeName: target.nodeName, workDir, ...(await makeObjects(client, label, workDir)) });
    await client.call('Probe'); // still there
  } finally {
    client.close();
  }
}

/** A volume that is staged, a snapshot and a group of it. */
async function makeObjects(
  client: CsiClient,
  name: string,
  workDir: string,
): Promise<Pick<Known, 'volumes' | 'snapshots' | 'groups'>> {
  const capability = { mount: {}, access_mode: { mode: 'SINGLE_NODE_MULTI_WRITER' } };
  const { volume } = await client.call<{ volume: Volume }>('CreateVolume', {
    name,
    volume_capabilities: [capability],
    capacity_range: { required_bytes: 64 << 20 },
  });
  const { volume_id } = volume;
  const { snapshot } = await client.call<{ snapshot: Snapshot }>('CreateSnapshot', {
    name,
    source_volume_id: volume_id,
  });
  const { group_snapshot } = await client.call<{ group_snapshot: VolumeGroupSnapshot }>('CreateVolumeGroupSnapshot', {
    name,
    source_volume_ids: [volume_id],
  });
  await client.call('NodeStageVolume', {
    volume_id,
    volume_capability: capability,
    staging_target_path: join(workDir, 'staging'),
  });
  return { volumes: [volume_id], snapshots: [snapshot.snapshot_id], groups: [group_snapshot.group_snapshot_id] };
}

async function expectAnswer(client: CsiClient, rpc: string, bytes: Buffer): Promise<void> {
  const error = await client.callRaw(rpc, bytes).then(
    () => undefined,
    (thrown: CallError) => thrown,
  );
  if (error === undefined) return;
  expect(ALLOWED).toContain(error.status);
  expect(error.message).not.toBe('');
  expect(error.hasStatusDetails).toBe(false);
}
