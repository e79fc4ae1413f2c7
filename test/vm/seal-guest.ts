/** The guest's part of seal.sh. Each step is a line `ok NAME` or `not ok NAME`. */
import { existsSync, readFileSync } from 'node:fs';
import { createSubvolume, snapshotSubvolume } from '../../src/host/btrfs.ts';
import { run } from '../../src/host/run.ts';
import { withDirectory } from '../../src/pools/backends/image-usage.ts';
import { type Daemon, startDaemon } from '../helpers/daemon.ts';
import { createKubelet } from '../helpers/kubelet.ts';
import { until } from '../helpers/until.ts';
import type { AttackName } from '../node/limits/attack.ts';
import { attackFromPod } from '../node/limits/pod.ts';
import { createStep } from './step.ts';

const MIB = 1n << 20n;
const DIR = '/run/berth';
const PINS = '/sys/fs/bpf';
/** The emulated machine is slow. */
const TIMEOUT_MS = 120_000;
const pool = { name: 'nvme', class: 'fast', backend: 'btrfs', disks: [{ byId: 'nvme-QEMU_NVMe_Ctrl_NVME0' }] };
const nestedAttacks: AttackName[] = ['nested', 'nestedUnlimited', 'nestedSnapshots', 'nestedDeep', 'nestedMany'];

const step = createStep(() => readFileSync(`${DIR}/log`, 'utf8').slice(-8_000));

function requireEqual(found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Error(`${found} instead of ${wanted}`);
}

async function start(): Promise<Daemon> {
  const started = await startDaemon({ dir: DIR, pools: [pool] });
  const isReady = async (): Promise<boolean> => (await started.admin.listPools())[0]?.state === 'ready';
  await until('the pool is ready', isReady, TIMEOUT_MS);
  return started;
}

async function requireSealed(path: string): Promise<void> {
  for (const attack of nestedAttacks) {
    const { bytes, refusal } = await attackFromPod(path, attack, 32n * MIB);
    requireEqual(`${attack}: ${bytes} bytes, ${refusal}`, `${attack}: 0 bytes, EPERM`);
  }
}

await run('mount', ['-t', 'bpf', 'bpf', PINS], { timeoutMs: TIMEOUT_MS });
let daemon = await step('the daemon starts', start);
await step('it says that the kernel forbids', async () => {
  requireEqual(daemon.log().includes('the kernel forbids subvolumes inside volumes'), true);
});
const kubelet = createKubelet(daemon.csi, `${DIR}/kubelet`);
const path = await step('a volume is published', async () => {
  const id = await kubelet.create('data', { timeoutMs: TIMEOUT_MS });
  return kubelet.publish(id, { timeoutMs: TIMEOUT_MS });
});
await step('a pod makes no subvolume', () => requireSealed(path));
await step('nor with the rights of a user namespace', async () => {
  const inNamespace = ['--user', '--map-root-user', '--mount', 'btrfs', 'subvolume', 'create', `${path}/nested`];
  const { exitCode } = await run('unshare', inNamespace, { timeoutMs: TIMEOUT_MS, okCodes: [0, 1] });
  requireEqual(exitCode, 1);
});
await step('the machine’s administrator does, and Berth copies', async () => {
  withDirectory(path, (fd) => {
    createSubvolume(fd, 'nested');
    snapshotSubvolume(fd, fd, 'snapshot');
  });
  await daemon.csi.call('CreateVolume', {
    name: 'copy',
    capacity_range: { required_bytes: String(32n * MIB) },
    volume_capabilities: [{ mount: {}, access_mode: { mode: 'SINGLE_NODE_WRITER' } }],
  });
});
await step('another btrfs is left alone', async () => {
  await run('truncate', ['--size', '256M', '/run/other.img'], { timeoutMs: TIMEOUT_MS });
  await run('mkfs.btrfs', ['-q', '/run/other.img'], { timeoutMs: TIMEOUT_MS });
  await run('mkdir', ['/run/other'], { timeoutMs: TIMEOUT_MS });
  await run('mount', ['-o', 'loop', '/run/other.img', '/run/other'], { timeoutMs: TIMEOUT_MS });
  const asTenant = ['--bounding-set=-sys_admin', '--', 'btrfs', 'subvolume', 'create', '/run/other/mine'];
  await run('setpriv', asTenant, { timeoutMs: TIMEOUT_MS });
});
await step('it holds while no daemon runs', async () => {
  await daemon.stop('SIGKILL');
  await requireSealed(path);
});
await step('and once another one has taken over', async () => {
  daemon = await start();
  await requireSealed(path);
  const uuid = (await daemon.admin.listPools())[0]!.id;
  requireEqual(existsSync(`${PINS}/berth-${uuid}-file_ioctl`), true);
  requireEqual(existsSync(`${PINS}/berth-${uuid}-file_ioctl-new`), false);
});

await daemon.stop();
