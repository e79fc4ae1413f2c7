/**
 * The guest's part of node-daemon.sh. /host is shared with the host,
 * where a file is a request that the host takes away when it has done it.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { CallError } from '../csi/client.ts';
import { type Daemon, startDaemon } from '../helpers/daemon.ts';
import { createKubelet, type Kubelet } from '../helpers/kubelet.ts';
import { until } from '../helpers/until.ts';
import { createStep } from './step.ts';

const DIR = '/run/berth-test';
const DATA = 'kept through it all';
const CREATORS = ['a', 'b', 'c', 'd'];
/** An emulated machine is slow. */
const patient = { timeoutMs: 60_000 };

let daemon: Daemon;
let kubelet: Kubelet;

const step = createStep(() => daemon?.log().slice(-8_000) ?? '');

async function poolIs(state: string): Promise<void> {
  let shown = '';
  await until(
    () => `the pool is ${shown} instead of ${state}`,
    async () => {
      const [pool] = await daemon.admin.listPools();
      shown = `${pool?.state} (${pool?.reason})`;
      return pool?.state === state;
    },
  );
}

function writeDurably(path: string): void {
  const fd = openSync(join(path, 'data'), 'w');
  writeSync(fd, DATA);
  fsyncSync(fd);
  closeSync(fd);
}

function requireData(path: string): void {
  const found = readFileSync(join(path, 'data'), 'utf8');
  if (found !== DATA) throw new Error(`the volume holds ${JSON.stringify(found)}`);
}

async function withVolume(id: string, use: (path: string) => void): Promise<void> {
  use(await kubelet.publish(id, patient));
  await kubelet.unpublish(id, patient);
}

async function requireUnavailable(call: Promise<unknown>): Promise<void> {
  const status = await call.then(
    () => 'OK',
    (error: CallError) => error.status,
  );
  if (status !== 'UNAVAILABLE') throw new Error(`it ended with ${status}`);
}

async function ask(what: string): Promise<void> {
  const request = `/host/${what}`;
  writeFileSync(request, '');
  await until(`the host has done: ${what}`, () => !existsSync(request));
}

async function loseDisk(): Promise<void> {
  const id = await step('a volume on an NVMe disk takes data', async () => {
    const id = await kubelet.create('data', patient);
    await withVolume(id, writeDurably);
    return id;
  });
  writeFileSync('/host/data-volume', id);

  await ask('unplug');
  await step('the pool is lost when its disk is pulled', () => poolIs('lost'));
  await step('CreateVolume is UNAVAILABLE meanwhile', () => requireUnavailable(kubelet.create('early', patient)));
  await step('NodeStageVolume is UNAVAILABLE meanwhile', () => requireUnavailable(kubelet.publish(id, patient)));
  await step('DeleteVolume is UNAVAILABLE meanwhile', () => requireUnavailable(kubelet.remove(id)));

  await ask('plug');
  await step('the pool is ready when its disk is back', () => poolIs('ready'));
  await step('the data is there', () => withVolume(id, requireData));
}

async function createUntilPowerIsCut(): Promise<void> {
  const create = async (creator: string): Promise<never> => {
    for (let i = 0; ; i++) {
      const id = await kubelet.create(`${creator}-${i}`, { ...patient, sizeBytes: 4n << 20n });
      appendFileSync('/host/acknowledged', `${id}\n`);
    }
  };
  await step('volumes are created until the power is cut', () => Promise.all(CREATORS.map(create)));
}

async function verify(): Promise<void> {
  // The cut may have torn the last line.
  const acknowledged = readFileSync('/host/acknowledged', 'utf8').split('\n').slice(0, -1);
  await step('every acknowledged volume is there after the power cut', async () => {
    const present = new Set((await daemon.admin.listVolumes()).map((volume) => volume.id));
    const lost = acknowledged.filter((id) => !present.has(id));
    if (lost.length > 0) throw new Error(`lost: ${lost.join(' ')}`);
  });
  await step('its data, too', () => withVolume(readFileSync('/host/data-volume', 'utf8'), requireData));
  await step('the last one can be used', () => withVolume(acknowledged.at(-1)!, writeDurably));
}

await step('the pool comes up', async () => {
  const pool = { name: 'nvme', class: 'fast', backend: 'btrfs', disks: [{ byId: 'nvme-QEMU_NVMe_Ctrl_NVME0' }] };
  daemon = await startDaemon({ dir: DIR, nodeName: 'vm', pools: [pool] });
  kubelet = createKubelet(daemon.csi, DIR);
  await poolIs('ready');
});
if (process.argv[2] === 'first') {
  await loseDisk();
  await createUntilPowerIsCut();
}
await verify();
await daemon!.stop();
