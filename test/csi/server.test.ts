import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCsi, serveCsi } from '../../src/csi/index.ts';
import { createLogger } from '../../src/observe/index.ts';
import type { VolumeService } from '../../src/volumes/model.ts';
import { connectCsi } from './client.ts';
import { createFakeVolumes } from './fake-volumes.ts';
import { TEST_NODE } from './serve-fake.ts';

let folder: string;
let socket: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-csi-'));
  socket = join(folder, 'csi.sock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const serve = (service: Partial<VolumeService> = {}, endpoint = `unix://${socket}`) =>
  serveCsi(
    endpoint,
    createCsi({
      service: { ...createFakeVolumes({ makePaths: false }), ...service },
      node: TEST_NODE,
      inlineDir: join(folder, 'inline'),
      log: createLogger({ level: 'silent' }),
      metrics: { start: () => () => {} },
      defaultDeadlineMs: 60_000,
      ready: () => true,
    }),
  );

test.each(['unix://', 'unix:', ''])(
  'the socket after %j is its owner’s alone, and goes with the server',
  async (scheme) => {
    const server = await serve({}, `${scheme}${socket}`);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    await server.close(1_000);
    expect(existsSync(socket)).toBe(false);
  },
);

test('a stale socket is replaced, a living one and other files are not', async () => {
  // Closing a listener unlinks the path that it was made with, so a renamed socket stays behind.
  const dead = createServer().listen(join(folder, 'dead'));
  await new Promise((resolve) => dead.once('listening', resolve));
  renameSync(join(folder, 'dead'), socket);
  dead.close();
  await new Promise((resolve) => dead.once('close', resolve));
  expect(existsSync(socket)).toBe(true);

  const server = await serve();
  await expect(serve()).rejects.toMatchObject({ code: 'SOCKET_IN_USE' });
  const client = connectCsi(socket);
  await client.call('Probe');
  client.close();
  await server.close(1_000);

  writeFileSync(socket, 'precious');
  await expect(serve()).rejects.toMatchObject({ code: 'SOCKET_PATH_UNUSABLE' });
  expect(existsSync(socket)).toBe(true);
});

test('stopping lets a running call end', async () => {
  const gate = Promise.withResolvers<void>();
  const running = Promise.withResolvers<void>();
  const server = await serve({
    deleteVolume: () => {
      running.resolve();
      return gate.promise;
    },
  });
  const client = connectCsi(socket);
  const call = client.call('DeleteVolume', { volume_id: 'v' });
  await running.promise;
  const closed = server.close(60_000);
  gate.resolve();
  await expect(call).resolves.toEqual({});
  await closed;
  client.close();
});

test('stopping cuts off a call that does not end in time', async () => {
  const running = Promise.withResolvers<void>();
  const server = await serve({
    deleteVolume: () => {
      running.resolve();
      return new Promise(() => {});
    },
  });
  const client = connectCsi(socket);
  const call = client.call('DeleteVolume', { volume_id: 'v' });
  call.catch(() => {});
  await running.promise;
  await server.close(10);
  await expect(call).rejects.toMatchObject({ status: expect.stringMatching(/UNAVAILABLE|CANCELLED/) });
  client.close();
});
