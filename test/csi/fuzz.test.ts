import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallError } from './client.ts';
import { createFakeVolumes } from './fake-volumes.ts';
import { type FuzzTarget, fuzzBytes, fuzzRpc, rpcs } from './fuzz/runner.ts';
import { type Served, serveForTest } from './serve-fake.ts';

const RUNS = Number(process.env['BERTH_FUZZ_RUNS'] ?? 100);

let served: Served;
let target: FuzzTarget;

beforeAll(async () => {
  const service = createFakeVolumes({ makePaths: false });
  served = await serveForTest(service);
  const call = { deadline: Infinity, requestId: '' };
  const volume = await service.createVolume(
    {
      name: 'known',
      size: { requiredBytes: 0n, limitBytes: 0n },
      capabilities: [],
      parameters: { thin: false, nodatacow: false },
    },
    call,
  );
  const snapshot = await service.createSnapshot({ name: 'known', sourceVolumeId: volume.id }, call);
  const group = await service.createGroupSnapshot({ name: 'known', sourceVolumeIds: [volume.id] }, call);
  const ids = [volume.id, snapshot.id, group.id];
  target = { socket: served.socket, known: { ids, workDir: served.folder }, runs: RUNS };
});

afterAll(() => served.stop());

describe.each(rpcs.map((rpc) => [rpc.name, rpc] as const))('%s', { timeout: 60_000 }, (_name, rpc) => {
  test('answers every generated message with OK or a status and a message', () => fuzzRpc(rpc, target));
  test('answers every mutated message', () => fuzzBytes(rpc, target));
});

test('a message beyond the size limit is refused', async () => {
  const refused = served.client.call('CreateVolume', { name: 'x'.repeat(5 << 20) });
  await expect(refused).rejects.toMatchObject({ status: 'RESOURCE_EXHAUSTED' } satisfies Partial<CallError>);
});
