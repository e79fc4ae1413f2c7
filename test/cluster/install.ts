/** Berth from installation to uninstallation; run by install.sh. */
import { until } from '../helpers/until.ts';
import { type Bed, startBed } from './bed.ts';
import { installBerth, NAMESPACE } from './berth.ts';
import { diagnose } from './diagnose.ts';
import { podOf, readyPods, shell } from './pods.ts';
import { createStep } from './steps.ts';
import { capacityIsKnown, claimOf, statefulSetOf, waitForSize } from './storage.ts';

/** What the daemon calls, and operators of a node without tools of its own. */
const TOOLS = [
  ...['blkid', 'btrfs', 'btrfstune', 'mkfs.btrfs', 'mkfs.ext4', 'mkfs.xfs', 'resize2fs', 'xfs_growfs'],
  ...['chmod', 'chown', 'cp', 'find', 'losetup', 'rm', 'umount'],
];
const STARTUP_TAINT = 'berth.dev/not-ready';
const REPLICAS = 3;
const LABEL = 'app=db';
const CLASSES = 2;
const WAIT_LIMIT_MS = 90_000;
/** Each replica writes once what it could not write a second time. */
const DATABASE =
  'for d in /data /log; do [ -e $d/id ] || cat /proc/sys/kernel/random/uuid >$d/id; done; sync; exec sleep 3600';

let bed: Bed | undefined;
const step = createStep(async () => (bed ? diagnose(bed) : ''));

const { kubectl, nodes, node, stop, startSnapshotController } = await step('2 nodes are up', async () => {
  bed = await startBed({ nodes: 2, disks: { fast: '4G', bulk: '4G' }, berth: true });
  return bed;
});

const berth = await step('Berth is installed with its chart, and Ready', async () => {
  await kubectl.run('taint', 'node', 'node2', `${STARTUP_TAINT}=:NoSchedule`);
  await startSnapshotController();
  return installBerth(bed!);
});

await step('its image has the tools that Berth calls, with their libraries', async () => {
  const { metadata } = await berth.daemon('node1');
  const script = 'for tool; do "$tool" --help >/dev/null 2>&1; [ $? != 127 ] || echo "$tool"; done';
  const exec = ['exec', '-n', NAMESPACE, metadata.name, '--', 'sh', '-c', script, 'sh'];
  const missing = await kubectl.run(...exec, ...TOOLS);
  if (missing !== '') throw new Error(`it lacks ${missing}`);
});

await step('a node that serves its pools loses the start-up taint', () =>
  until('the taint is gone', async () => {
    const { spec } = await kubectl.get<{ spec: { taints?: { key: string }[] } }>('node', 'node2');
    return !(spec.taints ?? []).some(({ key }) => key === STARTUP_TAINT);
  }),
);

const volumesOf = (name: string): Promise<unknown[]> => berth.berth(name, 'volume', 'list');

const written = (): Promise<string[]> =>
  Promise.all(Array.from({ length: REPLICAS }, (_, i) => kubectl.exec(`db-${i}`, 'cat', '/data/id', '/log/id')));

async function requireData(): Promise<void> {
  const found = await written();
  if (found.join() !== data.join()) throw new Error(`there is ${found.join()} instead of ${data.join()}`);
}

await step('the scheduler knows the room of every class on every node', () =>
  capacityIsKnown(kubectl, CLASSES * nodes.length),
);

const { pods, data } = await step('a StatefulSet gets its claims and writes', async () => {
  await kubectl.apply(
    statefulSetOf('db', {
      replicas: REPLICAS,
      container: shell(DATABASE, {
        readinessProbe: { exec: { command: ['test', '-s', '/log/id'] }, periodSeconds: 1 },
      }),
      claims: [
        { name: 'data', path: '/data', storageClass: 'fast', size: '64Mi' },
        { name: 'log', path: '/log', storageClass: 'bulk', size: '320Mi' },
      ],
    }),
  );
  return { pods: await readyPods(kubectl, LABEL, REPLICAS), data: await written() };
});

await step('its replicas are on both nodes', async () => {
  const used = new Set(pods.map(({ spec }) => spec.nodeName));
  if (used.size !== nodes.length) throw new Error(`they are on ${[...used].join(', ')}`);
});

await step('drained, its pods come back to their data', async () => {
  await kubectl.run('drain', 'node2', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=100s');
  await kubectl.run('uncordon', 'node2');
  await readyPods(kubectl, LABEL, REPLICAS);
  await requireData();
});

await step('claims grow under their pods', async () => {
  for (const [claim, size, path] of [
    ['data-db-0', '128Mi', '/data'],
    ['log-db-0', '640Mi', '/log'],
  ] as const) {
    await kubectl.patch('pvc', claim, { spec: { resources: { requests: { storage: size } } } });
    await waitForSize(kubectl, claim, size);
    const df = await kubectl.exec('db-0', 'df', '-Pm', path);
    const [, mib = '0'] = df.split('\n')[1]!.split(/\s+/);
    // A file system keeps some for itself.
    if (BigInt(mib) < (BigInt(size.replace('Mi', '')) * 9n) / 10n) throw new Error(`df shows ${df}`);
  }
});

await step('a killed daemon comes back, and its pods keep their files', async () => {
  const before = await readyPods(kubectl, LABEL, REPLICAS);
  for (const name of nodes) {
    const { status } = await berth.daemon(name);
    await node(name).killContainer(status.containerStatuses![0]!.containerID);
  }
  await requireData();
  await until('the daemons answer again', () =>
    Promise.all(nodes.map(volumesOf)).then(
      () => true,
      () => false,
    ),
  );
  const after = await readyPods(kubectl, LABEL, REPLICAS);
  const uids = (list: typeof after): string => list.map(({ metadata }) => metadata.uid).join();
  if (uids(before) !== uids(after)) throw new Error('pods were replaced');
});

await step('a claim is filled from a snapshot', async () => {
  const [source] = await readyPods(kubectl, 'statefulset.kubernetes.io/pod-name=db-0', 1);
  await kubectl.apply({
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshot',
    metadata: { name: 'db-0' },
    spec: { volumeSnapshotClassName: 'berth', source: { persistentVolumeClaimName: 'data-db-0' } },
  });
  await kubectl.run('wait', '--for=jsonpath={.status.readyToUse}=true', '--timeout=60s', 'volumesnapshot/db-0');
  const dataSource = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 'db-0' };
  await kubectl.apply(
    claimOf('restored', { storageClass: 'fast', size: '128Mi', dataSource }),
    podOf('restored', shell('exec sleep 3600', { volumeMounts: [{ name: 'data', mountPath: '/data' }] }), {
      // The scheduler does not know where the snapshot is.
      nodeSelector: { 'kubernetes.io/hostname': source!.spec.nodeName },
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'restored' } }],
    }),
  );
  await readyPods(kubectl, 'app=restored', 1);
  const found = await kubectl.exec('restored', 'cat', '/data/id');
  if (!data[0]!.startsWith(found) || found === '') throw new Error(`it holds ${JSON.stringify(found)}`);
  await kubectl.remove('pod/restored', 'pvc/restored', 'volumesnapshot/db-0');
});

await step('the chart refuses to go while there are volumes', () => berth.failToUninstall());

await step('claims go with their StatefulSet, and volumes with their claims', async () => {
  await kubectl.remove('statefulset', 'db', '--cascade=foreground');
  await until('there are no PersistentVolumes', async () => (await kubectl.list('pv')).length === 0, WAIT_LIMIT_MS);
  for (const name of nodes) {
    const left = await volumesOf(name);
    if (left.length > 0) throw new Error(`${name} has ${JSON.stringify(left)}`);
    const mounts = await node(name).run('findmnt', '-rno', 'TARGET');
    if (mounts.includes('kubernetes.io~csi')) throw new Error(`mounts are left on ${name}:\n${mounts}`);
  }
});

await step('Berth is uninstalled', () => berth.uninstall());

await step('nothing is left when the bed is taken down', stop);
