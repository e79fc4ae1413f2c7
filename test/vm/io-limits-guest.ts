/** The guest's part of io-limits.sh. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startDaemon } from '../helpers/daemon.ts';
import { until } from '../helpers/until.ts';
import { createStep } from './step.ts';

const DIR = '/run/berth';
const GROUPS = '/sys/fs/cgroup';
const MIB = 1 << 20;
const FILE = { mount: { fs_type: '' }, access_mode: { mode: 'SINGLE_NODE_MULTI_WRITER' } };
const BLOCK = { block: {}, access_mode: { mode: 'SINGLE_NODE_MULTI_WRITER' } };
/** The emulated machine is slow. */
const timeoutMs = 120_000;
const step = createStep(() => readFileSync(`${DIR}/log`, 'utf8').slice(-8_000));

const check = (fact: boolean, problem: string): void => {
  if (!fact) throw new Error(problem);
};
/** As the kubelet makes it for a pod: `driver` cgroupfs or systemd. */
const makeGroup = (pod: string, driver: 'cgroupfs' | 'systemd'): string => {
  const path =
    driver === 'cgroupfs'
      ? `${GROUPS}/kubepods/burstable/pod${pod}`
      : `${GROUPS}/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${pod.replaceAll('-', '_')}.slice`;
  mkdirSync(path, { recursive: true });
  for (let dir = dirname(path); dir.startsWith(GROUPS); dir = dirname(dir)) enableIo(dir);
  return path;
};
function enableIo(dir: string): void {
  if (dir !== GROUPS) enableIo(dirname(dir));
  writeFileSync(join(dir, 'cgroup.subtree_control'), '+io +memory');
}
const limitsOf = (group: string): string => readFileSync(join(group, 'io.max'), 'utf8').trim();
/** Seconds that a process of the group takes to write `mebibytes` to a new file, or to a device. */
const writeSeconds = (group: string, file: string, mebibytes: number, flags: string): number => {
  const script = `echo $$ >"$1/cgroup.procs"; exec dd if=/dev/zero of="$2" bs=1M count=$3 ${flags} status=none`;
  const startedAt = process.hrtime.bigint();
  execFileSync('sh', ['-c', script, 'sh', group, file, String(mebibytes)]);
  return Number(process.hrtime.bigint() - startedAt) / 1e9;
};

execFileSync('sh', ['-c', `mountpoint -q ${GROUPS} || mount -t cgroup2 none ${GROUPS}`]);
const disk = (name: string) => [{ byId: `nvme-QEMU_NVMe_Ctrl_${name}` }];
const pools = [
  { name: 'images', class: 'images', backend: 'image', disks: disk('NVME0') },
  { name: 'folders', class: 'folders', backend: 'btrfs', disks: disk('NVME1') },
];
const start = async () => {
  const started = await startDaemon({ dir: DIR, pools });
  const areReady = async (): Promise<boolean> =>
    (await started.admin.listPools()).every(({ state }) => state === 'ready');
  await until('the pools are ready', areReady, timeoutMs);
  return started;
};
let daemon = await step('the pools come up', start);

const create = async (name: string, poolClass: string, capability: object, mutable_parameters = {}) => {
  const request = {
    name,
    capacity_range: { required_bytes: String(128 * MIB) },
    volume_capabilities: [capability],
    parameters: { poolClass },
    mutable_parameters,
  };
  const { volume } = await daemon.csi.call<{ volume: { volume_id: string } }>('CreateVolume', request, { timeoutMs });
  return volume.volume_id;
};
const modify = (volume_id: string, mutable_parameters: object) =>
  daemon.csi.call('ControllerModifyVolume', { volume_id, mutable_parameters }, { timeoutMs });
/** Where the kubelet would publish for a pod. Returns the path. */
const publish = async (id: string, pod: string, capability: object): Promise<string> => {
  const kubelet = `${DIR}/kubelet`;
  const staging_target_path = `${kubelet}/staging/${id}`;
  const target_path =
    capability === BLOCK
      ? `${kubelet}/plugins/kubernetes.io/csi/volumeDevices/publish/pvc-1/${pod}`
      : `${kubelet}/pods/${pod}/volumes/kubernetes.io~csi/pvc-1/mount`;
  mkdirSync(staging_target_path, { recursive: true });
  mkdirSync(dirname(target_path), { recursive: true });
  const common = { volume_id: id, staging_target_path, volume_capability: capability };
  await daemon.csi.call('NodeStageVolume', common, { timeoutMs });
  await daemon.csi.call('NodePublishVolume', { ...common, target_path }, { timeoutMs });
  return target_path;
};

const POD = '0b1c2d3e-0000-4000-8000-000000000001';
const group = makeGroup(POD, 'cgroupfs');
let id = '';
let path = '';

await step('a volume is made with limits, and they hold in the pod', async () => {
  id = await create('limited', 'images', FILE, { writeBytesPerSecond: '4Mi', readOperationsPerSecond: '100' });
  path = await publish(id, POD, FILE);
  check(/^\d+:\d+ rbps=max wbps=4194304 riops=100 wiops=max$/.test(limitsOf(group)), limitsOf(group));
  const direct = writeSeconds(group, join(path, 'direct'), 12, 'oflag=direct');
  check(direct > 2, `12 MiB at 4 MiB/s took ${direct} s`);
  const flushed = writeSeconds(group, join(path, 'flushed'), 12, 'conv=fsync');
  check(flushed > 1.5, `12 MiB through the page cache at 4 MiB/s took ${flushed} s`);
});

await step('other limits hold at once for a pod that runs', async () => {
  const before = writeSeconds(group, join(path, 'before'), 12, 'oflag=direct');
  await modify(id, { readOperationsPerSecond: '50' });
  check(/ rbps=max wbps=max riops=50 wiops=max$/.test(limitsOf(group)), limitsOf(group));
  const after = writeSeconds(group, join(path, 'after'), 12, 'oflag=direct');
  check(after < before / 2, `12 MiB took ${before} s with a limit and ${after} s without`);
  await modify(id, {});
  check(limitsOf(group) === '', limitsOf(group));
  await modify(id, { writeOperationsPerSecond: '20' });
});

await step('a pod that is made later gets them too, whatever the cgroup driver', async () => {
  const second = '0b1c2d3e-0000-4000-8000-000000000002';
  await publish(id, second, FILE);
  const [volume] = (await daemon.admin.listVolumes()).filter((one) => one.id === id);
  check(volume?.ioLimits.writeOperationsPerSecond === 20, JSON.stringify(volume?.ioLimits));
  const late = makeGroup(second, 'systemd');
  await until('the late group has its limits', () => limitsOf(late).endsWith('wiops=20'), timeoutMs);
});

await step('a daemon that starts again sets them again', async () => {
  const [device] = limitsOf(group).split(' ');
  await daemon.stop('SIGKILL');
  writeFileSync(join(group, 'io.max'), `${device} wiops=max`);
  daemon = await start();
  await until('the limits are back', () => limitsOf(group).endsWith('wiops=20'), timeoutMs);
});

await step('a pod without a control group is told, after a while', async () => {
  const lost = '0b1c2d3e-0000-4000-8000-000000000003';
  const target_path = await publish(id, lost, FILE);
  const problems = async () => (await daemon.admin.checkVolume(id)).problems.map(({ message }) => message);
  const isTold = async () => (await problems()).some((message) => message.includes(`pod ${lost} has no control group`));
  await until('it is told', isTold, timeoutMs);
  await daemon.csi.call('NodeUnpublishVolume', { volume_id: id, target_path }, { timeoutMs });
  await until('all is well again', async () => (await problems()).length === 0, timeoutMs);
});

await step('the limits go with the volume', async () => {
  await daemon.csi.call('NodeUnpublishVolume', { volume_id: id, target_path: path }, { timeoutMs });
  check(limitsOf(group) === '', limitsOf(group));
});

await step('a raw block volume has limits', async () => {
  const raw = await create('raw', 'images', BLOCK, { writeBytesPerSecond: '4Mi' });
  const device = await publish(raw, POD, BLOCK);
  const seconds = writeSeconds(group, device, 12, 'oflag=direct conv=nocreat');
  check(seconds > 2, `12 MiB at 4 MiB/s took ${seconds} s`);
});

await step('a volume without a device of its own is refused limits', async () => {
  const refused = async (act: Promise<unknown>): Promise<string> => {
    try {
      await act;
      return 'it was not refused';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const made = await refused(create('folder', 'folders', FILE, { writeBytesPerSecond: '4Mi' }));
  check(made.includes('IO_LIMITS_UNSUPPORTED') && made.includes('no block devices of their own'), made);
  const folder = await create('folder', 'folders', FILE);
  await modify(folder, {});
  const modified = await refused(modify(folder, { readBytesPerSecond: '1Mi' }));
  check(modified.includes('IO_LIMITS_UNSUPPORTED'), modified);
});

await daemon.stop();
for (const name of readdirSync(`${GROUPS}/kubepods/burstable`)) {
  if (name.startsWith('pod')) rmdirSync(join(GROUPS, 'kubepods/burstable', name));
}
