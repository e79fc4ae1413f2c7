/** The guest's part of node-daemon.sh. Each step is a line `ok NAME` or `not ok NAME`; /host is shared with the host. */
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, credentials, status } from '@grpc/grpc-js';
import { connectAdmin } from '../../src/admin/client.ts';
import { loadProto, serviceOf } from '../../src/rpc/proto.ts';

const ROOT = join(import.meta.dirname, '../..');
const CSI_SOCKET = '/run/berth/csi.sock';
const ADMIN_SOCKET = '/run/berth/admin.sock';
const LOG = '/run/berth.log';
const TIMEOUT_MS = 60_000;
const MIB = 1 << 20;
const DATA = 'kept through it all';
const capability = { mount: {}, access_mode: { mode: 'SINGLE_NODE_WRITER' } };

async function step<T>(name: string, act: () => Promise<T>): Promise<T> {
  try {
    const result = await act();
    console.log(`ok ${name}`);
    return result;
  } catch (error) {
    console.log(`not ok ${name}: ${error instanceof Error ? error.message : error}`);
    console.log(readFileSync(LOG, 'utf8').slice(-8_000));
    process.exit(1);
  }
}

async function until(what: string | (() => string), condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + TIMEOUT_MS;
  while (!(await condition())) {
    if (Date.now() > end)
      throw new Error(`${typeof what === 'string' ? what : what()} did not come within ${TIMEOUT_MS} ms`);
    await delay(100);
  }
}

function connectCsi() {
  const definitions = loadProto('csi/v1/csi.proto');
  const client = new Client(`unix:${CSI_SOCKET}`, credentials.createInsecure());
  return (service: 'Controller' | 'Node', method: string, request: object): Promise<Record<string, never>> => {
    const { path, requestSerialize, responseDeserialize } = serviceOf(definitions, `csi.v1.${service}`)[method]!;
    const deadline = Date.now() + TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, (error, answer) =>
        error ? reject(error) : resolve(answer as Record<string, never>),
      );
    });
  };
}

function startDaemon(): void {
  writeFileSync(
    '/run/berth.yaml',
    'node: { name: vm, stateDir: /run/berth-state }\n' +
      'pools: [{ name: nvme, class: fast, backend: btrfs, disks: [{ byId: nvme-QEMU_NVMe_Ctrl_NVME0 }] }]\n',
  );
  const log = openSync(LOG, 'w');
  const daemon = spawn(process.execPath, ['src/main.ts', 'node', '--config', '/run/berth.yaml'], {
    cwd: ROOT,
    stdio: ['ignore', log, log],
  });
  daemon.on('exit', (code, signal) => {
    console.log(`not ok the daemon runs: it ended with ${code ?? signal}\n${readFileSync(LOG, 'utf8')}`);
    process.exit(1);
  });
}

const csi = connectCsi();
const admin = connectAdmin({ socket: ADMIN_SOCKET, timeoutMs: TIMEOUT_MS });

async function poolIs(state: string): Promise<void> {
  let shown = 'nothing';
  await until(
    () => `${state} instead of ${shown}`,
    async () => {
      const pool = (await admin.listPools())[0];
      shown = `${pool?.state} (${pool?.reason})`;
      return pool?.state === state;
    },
  );
}

async function createVolume(name: string): Promise<string> {
  const { volume } = await csi('Controller', 'CreateVolume', {
    name,
    capacity_range: { required_bytes: 8 * MIB },
    volume_capabilities: [capability],
  });
  return (volume as unknown as { volume_id: string }).volume_id;
}

/** Publishes the volume while `use` works in it. */
async function withVolume(volume_id: string, use: (path: string) => void): Promise<void> {
  const staging_target_path = `/run/staging/${volume_id}`;
  const target_path = `/run/published/${volume_id}`;
  mkdirSync(staging_target_path, { recursive: true });
  mkdirSync('/run/published', { recursive: true });
  const common = { volume_id, volume_capability: capability };
  await csi('Node', 'NodeStageVolume', { ...common, staging_target_path });
  await csi('Node', 'NodePublishVolume', { ...common, staging_target_path, target_path });
  try {
    use(target_path);
  } finally {
    await csi('Node', 'NodeUnpublishVolume', { volume_id, target_path });
    await csi('Node', 'NodeUnstageVolume', { volume_id, staging_target_path });
  }
}

function writeDurably(path: string, text: string): void {
  const fd = openSync(path, 'w');
  writeSync(fd, text);
  fsyncSync(fd);
  closeSync(fd);
}

function requireData(path: string): void {
  const found = readFileSync(join(path, 'data'), 'utf8');
  if (found !== DATA) throw new Error(`the volume holds ${JSON.stringify(found)}`);
}

async function isUnavailable(call: Promise<unknown>): Promise<void> {
  const code = await call.then(
    () => status.OK,
    (error: { code: number }) => error.code,
  );
  if (code !== status.UNAVAILABLE) throw new Error(`the call ended with ${status[code]}`);
}

/** Asks the host, which takes the request away when it has done it. */
async function ask(what: string): Promise<void> {
  writeFileSync(`/host/${what}`, '');
  await until(what, () => !existsSync(`/host/${what}`));
}

async function first(): Promise<void> {
  const id = await step('a volume on an NVMe disk takes data', async () => {
    const id = await createVolume('data');
    await withVolume(id, (path) => writeDurably(join(path, 'data'), DATA));
    return id;
  });
  writeFileSync('/host/data-volume', id);

  await ask('unplug');
  await step('the pool is lost when its disk is pulled', () => poolIs('lost'));
  await step('CreateVolume is UNAVAILABLE meanwhile', () => isUnavailable(createVolume('too early')));
  await step('NodeStageVolume is UNAVAILABLE meanwhile', () => isUnavailable(withVolume(id, () => {})));
  await step('DeleteVolume is UNAVAILABLE meanwhile', () =>
    isUnavailable(csi('Controller', 'DeleteVolume', { volume_id: id })),
  );
  await ask('plug');
  await step('the pool is ready when its disk is back', () => poolIs('ready'));
  await step('the data is there', () => withVolume(id, requireData));

  console.log('creating volumes until the power is cut');
  const worker = async (name: string): Promise<never> => {
    for (let i = 0; ; i++) appendFileSync('/host/acknowledged', `${await createVolume(`${name}-${i}`)}\n`);
  };
  await Promise.all(['a', 'b', 'c', 'd'].map(worker));
}

async function second(): Promise<void> {
  const acknowledged = readFileSync('/host/acknowledged', 'utf8').trim().split('\n');
  await step('every acknowledged volume is there after the power cut', async () => {
    const present = new Set((await admin.listVolumes()).map((volume) => volume.id));
    const lost = acknowledged.filter((id) => !present.has(id));
    if (lost.length > 0) throw new Error(`lost: ${lost.join(' ')}`);
  });
  await step('its data, too', () => withVolume(readFileSync('/host/data-volume', 'utf8'), requireData));
  await step('the last one can be used', () =>
    withVolume(acknowledged.at(-1)!, (path) => writeDurably(join(path, 'data'), DATA)),
  );
}

startDaemon();
await step('the pool comes up', async () => {
  await until('the admin socket', () => existsSync(ADMIN_SOCKET));
  await poolIs('ready');
});
await (process.argv[2] === 'first' ? first() : second());
process.exit(0);
