import { afterEach, describe, expect, test } from 'vitest';
import { BerthError } from '../../src/errors.ts';
import type { VolumeService } from '../../src/volumes/model.ts';
import { createFakeVolumes } from './fake-volumes.ts';
import { type Served, serveForTest } from './serve-fake.ts';

let served: Served;
afterEach(() => served.stop());

/** The fake with some methods of its own. */
async function serve(methods: Partial<VolumeService>, options?: Parameters<typeof serveForTest>[1]): Promise<void> {
  served = await serveForTest({ ...createFakeVolumes({ makePaths: false }), ...methods }, options);
}

const mount = { mount: {}, access_mode: { mode: 'SINGLE_NODE_WRITER' } };
const createRequest = { name: 'data', volume_capabilities: [mount] };

test('the client’s deadline reaches the service', async () => {
  let deadline = Number.NaN;
  await serve(
    {
      async getVolume(id, call) {
        deadline = call.deadline;
        throw new BerthError('VOLUME_NOT_FOUND', { id });
      },
    },
    { defaultDeadlineMs: 3_600_000 },
  );
  const startedAt = Date.now();
  await served.client.call('ControllerGetVolume', { volume_id: 'x' }, { timeoutMs: 600_000 }).catch(() => {});
  expect(deadline).toBeGreaterThan(startedAt);
  expect(deadline).toBeLessThan(startedAt + 1_800_000);
});

describe('lock', () => {
  test('a second call on a volume is aborted; reads and other volumes are not', async () => {
    const gate = Promise.withResolvers<void>();
    const staging = Promise.withResolvers<void>();
    await serve({
      stageVolume: async () => {
        staging.resolve();
        await gate.promise;
      },
      publishVolume: async () => {},
      deleteVolume: async () => {},
      volumeStats: async () => ({ bytes: { total: 1n, used: 0n, available: 1n } }),
    });
    const { client } = served;
    const first = client.call('NodeStageVolume', {
      volume_id: 'v',
      staging_target_path: '/s',
      volume_capability: mount,
    });
    await staging.promise;
    await expect(client.call('DeleteVolume', { volume_id: 'v' })).rejects.toMatchObject({
      status: 'ABORTED',
      message: 'OPERATION_PENDING: volume v is being worked on by another call (NodeStageVolume)',
    });
    await client.call('DeleteVolume', { volume_id: 'other' });
    await client.call('NodeGetVolumeStats', { volume_id: 'v', volume_path: '/s' });
    await client.call('Probe');
    gate.resolve();
    await first;
    await client.call('DeleteVolume', { volume_id: 'v' });
  });

  test('two creations of one name', async () => {
    const gate = Promise.withResolvers<never>();
    const creating = Promise.withResolvers<void>();
    await serve({
      createVolume: () => {
        creating.resolve();
        return gate.promise;
      },
    });
    const first = served.client.call('CreateVolume', createRequest);
    await creating.promise;
    await expect(served.client.call('CreateVolume', createRequest)).rejects.toMatchObject({ status: 'ABORTED' });
    gate.reject(new BerthError('POOL_NO_ROOM', { class: 'c', needed: 2n, free: 1n }));
    await expect(first).rejects.toMatchObject({
      status: 'RESOURCE_EXHAUSTED',
      message: 'POOL_NO_ROOM: no pool of class c has 2 bytes free; the largest has 1',
    });
  });
});

describe('errors', () => {
  test.each([new TypeError('secret detail'), new BerthError('INTERNAL', { problem: 'secret detail' })])(
    'a bug is INTERNAL: its text is logged with the request id and not sent: %s',
    async (bug) => {
      await serve({ getVolume: () => Promise.reject(bug) });
      const call = served.client.call('ControllerGetVolume', { volume_id: 'v' });
      await expect(call).rejects.toMatchObject({ status: 'INTERNAL', hasStatusDetails: false });
      const [line] = served.lines;
      expect(line).toMatchObject({
        level: 'error',
        code: 'INTERNAL',
        err: { message: expect.stringContaining('secret detail') },
      });
      const { message } = await call.catch((error) => error);
      expect(message).toBe(`INTERNAL: unexpected: see the log, request id ${line!['request_id']}`);
    },
  );

  test('the cause of an error is logged and not sent', async () => {
    const cause = new Error('ioctl: EIO');
    await serve({
      deleteVolume: async (id) => {
        throw new BerthError('VOLUME_IN_USE', { id, users: 'a pod' }, { cause });
      },
    });
    await expect(served.client.call('DeleteVolume', { volume_id: 'v' })).rejects.toMatchObject({
      message: 'VOLUME_IN_USE: volume v is in use: a pod',
    });
    expect(served.lines[0]).toMatchObject({ level: 'warn', error: 'VOLUME_IN_USE', err: { message: 'ioctl: EIO' } });
  });

  test('text that UTF-8 cannot hold does not break the answer', async () => {
    await serve({
      deleteVolume: async () => {
        throw new BerthError('VOLUME_IN_USE', { id: '\ud800', users: 'a\nb%' });
      },
    });
    await expect(served.client.call('DeleteVolume', { volume_id: 'v' })).rejects.toMatchObject({
      message: 'VOLUME_IN_USE: volume \ufffd is in use: a\nb%',
    });
  });

  test('bytes that are no message are refused', async () => {
    await serve({});
    await expect(served.client.callRaw('CreateVolume', Buffer.from([0xff, 0xff]))).rejects.toMatchObject({
      status: 'INVALID_ARGUMENT',
      message: 'FIELD_INVALID: request: is no message of its type',
    });
  });
});

describe('log', () => {
  test('one line for each call, without its secrets', async () => {
    await serve({});
    await served.client.call('CreateVolume', {
      ...createRequest,
      volume_capabilities: [{ ...mount, mount: { mount_flags: ['noatime'] } }],
      secrets: { password: 'hunter2' },
    });
    await served.client
      .call('NodePublishVolume', {
        volume_id: 'v',
        target_path: '/t',
        volume_capability: { ...mount, mount: { mount_flags: ['hunter2=hunter2'] } },
        secrets: { password: 'hunter2' },
        volume_context: { 'csi.storage.k8s.io/serviceAccount.tokens': 'hunter2', other: 'shown' },
      })
      .catch(() => {});
    expect(served.lines).toHaveLength(2);
    expect(served.lines[0]).toMatchObject({
      level: 'info',
      method: 'csi.v1.Controller/CreateVolume',
      name: 'data',
      code: 'OK',
      duration_ms: expect.any(Number),
      request_id: expect.stringMatching(/^[-0-9a-f]{36}$/),
      request: { volume_capabilities: [{ mount: { mount_flags: '[redacted]' } }], secrets: '[redacted]' },
    });
    expect(served.lines[1]).toMatchObject({
      level: 'warn',
      volume: 'v',
      code: 'INVALID_ARGUMENT',
      error: 'MOUNT_OPTION_REFUSED',
      request: { volume_context: { other: 'shown' } },
    });
    expect(JSON.stringify(served.lines[1]).replaceAll('mount option hunter2', '')).not.toContain('hunter2');
  });
});

test('metrics count calls by method and status', async () => {
  await serve({});
  await served.client.call('Probe');
  await served.client.call('DeleteVolume', {}).catch(() => {});
  const text = await served.renderMetrics();
  expect(text).toContain('berth_csi_request_duration_seconds_count{method="csi.v1.Identity/Probe",grpc_status="OK"} 1');
  expect(text).toContain(
    'berth_csi_request_duration_seconds_count{method="csi.v1.Controller/DeleteVolume",grpc_status="INVALID_ARGUMENT"} 1',
  );
  expect(text).toContain('berth_csi_requests_in_flight{method="csi.v1.Identity/Probe"} 0');
});
