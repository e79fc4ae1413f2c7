import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { registerWithKubelet } from '../../src/node/registration.ts';
import { loadProto, serviceOf } from '../../src/rpc/proto.ts';
import { until } from '../helpers/until.ts';

const methods = serviceOf(loadProto('kubelet/v1/registration.proto'), 'pluginregistration.Registration');
let dir: string;
let told: string[];
const options = () => ({
  dir: join(dir, 'plugins_registry'),
  driverName: 'csi.berth.dev',
  endpoint: '/var/lib/kubelet/plugins/csi.berth.dev/csi.sock',
  log: (level: string, message: string, fields: { problem?: string }) =>
    void told.push(`${level} ${message} ${fields.problem ?? ''}`),
});
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'berth-registration-'));
  told = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

/** What the kubelet does with a socket that has appeared. */
function ask(rpc: string, request: object): Promise<object> {
  const client = new Client(
    `unix:${join(dir, 'plugins_registry/csi.berth.dev-reg.sock')}`,
    credentials.createInsecure(),
  );
  const { path, requestSerialize, responseDeserialize } = methods[rpc]!;
  return new Promise<object>((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, answer) =>
      error ? reject(error) : resolve(answer as object),
    );
  }).finally(() => client.close());
}

test('the kubelet finds the driver and its socket, and nothing half-made', async () => {
  const registration = await registerWithKubelet(options());
  expect(readdirSync(join(dir, 'plugins_registry'))).toEqual(['csi.berth.dev-reg.sock']);
  expect(await ask('GetInfo', {})).toEqual({
    type: 'CSIPlugin',
    name: 'csi.berth.dev',
    endpoint: '/var/lib/kubelet/plugins/csi.berth.dev/csi.sock',
    supported_versions: ['1.0.0'],
  });
  await ask('NotifyRegistrationStatus', { plugin_registered: true, error: '' });
  expect(told).toEqual(['info the kubelet has registered the driver ']);
  await registration.close();
});

test('the socket stays when the daemon ends, and the next daemon takes its place', async () => {
  const path = join(dir, 'plugins_registry/csi.berth.dev-reg.sock');
  await (await registerWithKubelet(options())).close();
  expect(existsSync(path)).toBe(true);
  const next = await registerWithKubelet(options());
  expect(await ask('GetInfo', {})).toMatchObject({ type: 'CSIPlugin' });
  await next.close();
});

test('a refusal is told, and a new socket makes the kubelet ask again', async () => {
  const path = join(dir, 'plugins_registry/csi.berth.dev-reg.sock');
  const registration = await registerWithKubelet(options());
  const before = statSync(path).ino;
  await ask('NotifyRegistrationStatus', { plugin_registered: false, error: 'NodeGetInfo failed' });
  expect(told).toEqual(['error the kubelet did not register the driver NodeGetInfo failed']);
  await until('there is a new socket', () => statSync(path).ino !== before);
  expect(await ask('GetInfo', {})).toMatchObject({ type: 'CSIPlugin' });
  await registration.close();
});
