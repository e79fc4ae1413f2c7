import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallError } from './client.ts';
import { createFakeVolumes } from './fake-volumes.ts';
import { type FuzzTarget, fuzzBytes, fuzzRpc, rpcs } from './fuzz/runner.ts';
import { type Served, serveForTest, TEST_NODE } from './serve-fake.ts';

const RUNS = Number(process.env['BERTH_FUZZ_RUNS'] ?? 60);

let served: Served;
let target: FuzzTarget;

beforeAll(async () => {
  served = await serveForTest(createFakeVolumes({ makePaths: false }));
  target = { socket: served.socket, nodeName: TEST_NODE.name, workDir: served.folder, runs: RUNS };
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
