/** Berth while things go wrong; run by faults.sh. */
import { until } from '../helpers/until.ts';
import { type Bed, startBed } from './bed.ts';
import { IMMEDIATE, installBerth, NAMESPACE, valuesFor } from './berth.ts';
import { diagnose } from './diagnose.ts';
import { podOf, readyPods, shell } from './pods.ts';
import { createStep } from './steps.ts';
import { allBound, type Claim, claimOf, noneIsLost } from './storage.ts';

const MIB = 1n << 20n;
const BIND_LIMIT_MS = 120_000;
/** Claims that fill both nodes, half of them each. */
const FILLING = 20;
const PROVISIONED = 50;
/** A pod that leaves the time in its volume, twice a second. */
const WRITER = 'while :; do date +%s >>/data/times || exit 1; sync /data/times; usleep 500000; done';
/** Seconds between two entries that are still no gap on a busy machine. */
const GAP_S = 5;

interface Listed {
  id: string;
}

let bed: Bed | undefined;
const step = createStep(async () => (bed ? diagnose(bed) : ''));

const { kubectl, nodes, node, stop } = await step('2 nodes are up', async () => {
  bed = await startBed({ nodes: 2, disks: { fast: '4G', bulk: '4G' }, berth: true });
  return bed;
});
const berth = await step('Berth is installed', () =>
  installBerth(bed!, { ...valuesFor(bed!, { immediate: IMMEDIATE }), snapshots: 'never' }),
);

const claimsOf = (prefix: string, count: number, storageClass: string, size: string): object[] =>
  Array.from({ length: count }, (_, index) => claimOf(`${prefix}-${index}`, { storageClass, size }));

const volumesOf = (name: string): Promise<Listed[]> => berth.berth<Listed[]>(name, 'volume', 'list');

async function removeClaims(): Promise<void> {
  await kubectl.remove('pvc', '--all');
  await noneIsLost(kubectl, nodes, berth, 0);
}

/** What half of the fillers take of the smaller node. */
async function fillingSize(): Promise<string> {
  const free = await Promise.all(
    nodes.map(async (name) => {
      const pools = await berth.berth<{ name: string; availableBytes: number }[]>(name, 'pool', 'list');
      return BigInt(pools.find((pool) => pool.name === 'fast')!.availableBytes);
    }),
  );
  const [least = 0n] = free.toSorted((a, b) => (a < b ? -1 : 1));
  return `${least / BigInt(FILLING / 2) / MIB}Mi`;
}

await step(`${FILLING} claims that fill both nodes are all bound, without a choice of node`, async () => {
  await kubectl.apply(...claimsOf('fill', FILLING, 'immediate', await fillingSize()));
  await allBound(kubectl, 'fill', FILLING);
  for (const name of nodes) {
    const { length } = await volumesOf(name);
    if (length !== FILLING / 2) throw new Error(`${name} has ${length} of them`);
  }
  await removeClaims();
});

await step(`${FILLING} pods whose claims fill both nodes all run`, async () => {
  await kubectl.apply(
    ...claimsOf('pod', FILLING, 'fast', await fillingSize()),
    ...Array.from({ length: FILLING }, (_, index) =>
      podOf(`pod-${index}`, shell('exec sleep 3600', { volumeMounts: [{ name: 'data', mountPath: '/data' }] }), {
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: `pod-${index}` } }],
      }),
    ),
  );
  await allBound(kubectl, 'pod', FILLING);
  await kubectl.remove('pod', '--all', '--wait=true');
  await removeClaims();
});

await step(
  `the controllers are killed while ${PROVISIONED} claims are bound: none is lost, none is doubled`,
  async () => {
    await kubectl.apply(...claimsOf('kill', PROVISIONED, 'immediate', '16Mi'));
    for (let round = 0; round < 3; round++) {
      const pods = await kubectl.list<{
        spec: { nodeName: string };
        status: { containerStatuses?: { name: string; containerID?: string }[] };
      }>('pods', '-n', NAMESPACE, '-l', 'app.kubernetes.io/component=controller');
      for (const { spec, status } of pods) {
        const container = status.containerStatuses?.find(({ name }) => name === 'berth');
        if (container?.containerID)
          await node(spec.nodeName)
            .killContainer(container.containerID)
            .catch(() => {});
      }
      const before = (await kubectl.list<Claim>('pvc')).filter(({ status }) => status.phase === 'Bound').length;
      await until(
        'another claim is bound',
        async () => {
          const now = (await kubectl.list<Claim>('pvc')).filter(({ status }) => status.phase === 'Bound').length;
          return now > before || now === PROVISIONED;
        },
        BIND_LIMIT_MS,
      );
    }
    await allBound(kubectl, 'kill', PROVISIONED);
    await noneIsLost(kubectl, nodes, berth);
    await removeClaims();
  },
);

const times = async (): Promise<number[]> =>
  (await kubectl.exec('writer', 'cat', '/data/times')).trim().split('\n').map(Number);

async function requireNoGap(since: number): Promise<void> {
  const seen = (await times()).filter((time) => time >= since);
  const gap = seen.findIndex((time, index) => index > 0 && time - seen[index - 1]! > GAP_S);
  if (seen.length < 2 || gap !== -1)
    throw new Error(`it wrote at ${seen.slice(Math.max(0, gap - 2), gap + 2).join(', ')}`);
}

await step('a pod writes on node2', async () => {
  await kubectl.apply(
    claimOf('writer', { storageClass: 'fast', size: '64Mi' }),
    podOf('writer', shell(WRITER, { volumeMounts: [{ name: 'data', mountPath: '/data' }] }), {
      nodeSelector: { 'kubernetes.io/hostname': 'node2' },
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'writer' } }],
    }),
  );
  await readyPods(kubectl, 'app=writer', 1);
});

await step('the API server is away for a minute, and the pod writes on', async () => {
  const since = (await times()).at(-1)!;
  await node('node1').stop('kube-apiserver', 'KILL'); // at SIGTERM it would take its time
  // The time that passes is what is tested.
  await new Promise((resolve) => setTimeout(resolve, 60_000));
  const mounts = await node('node2').run('findmnt', '-rno', 'TARGET');
  await node('node1').restart('kube-apiserver');
  if (!mounts.includes('kubernetes.io~csi')) throw new Error(`the mount is gone:\n${mounts}`);
  await until('the API server answers', () =>
    kubectl.run('get', '--raw', '/readyz').then(
      () => true,
      () => false,
    ),
  );
  await until(
    'the pod can be reached',
    () =>
      times().then(
        () => true,
        () => false,
      ),
    BIND_LIMIT_MS,
  );
  await requireNoGap(since);
});

await step('the node gets another address: its pod writes on, and it gets new volumes', async () => {
  const since = (await times()).at(-1)!;
  await node('node2').readdress('10.77.0.22');
  await kubectl.apply(
    claimOf('moved', { storageClass: 'fast', size: '64Mi' }),
    podOf('moved', shell('exec sleep 3600', { volumeMounts: [{ name: 'data', mountPath: '/data' }] }), {
      nodeSelector: { 'kubernetes.io/hostname': 'node2' },
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'moved' } }],
    }),
  );
  await readyPods(kubectl, 'app=moved', 1);
  await requireNoGap(since);
  await kubectl.remove('pod', 'moved');
  await kubectl.remove('pvc', 'moved');
});

await step('a pod deleted by force keeps its volume until the kubelet has let go of it', async () => {
  const [volume] = await volumesOf('node2');
  await node('node2').stop('kubelet', 'KILL');
  await kubectl.remove('pod', 'writer', '--force', '--grace-period=0');
  await kubectl.run('delete', 'pvc', 'writer', '--wait=false');
  const isRefused = async (): Promise<boolean> => {
    const events = await kubectl.list<{ reason: string; message: string }>('events', '-A');
    return events.some(({ reason, message }) => reason === 'VolumeFailedDelete' && message.includes('VOLUME_IN_USE'));
  };
  await until('the deletion is refused', isRefused, BIND_LIMIT_MS);
  const still = await node('node2').run('findmnt', '-rno', 'TARGET');
  if (!still.includes('kubernetes.io~csi')) throw new Error(`the mount is gone:\n${still}`);
  await node('node2').restart('kubelet');
  await until('the volume is gone', async () => (await kubectl.list('pv')).length === 0, BIND_LIMIT_MS);
  await until('the node has given it back', async () => {
    const left = await volumesOf('node2');
    return !left.some(({ id }) => id === volume!.id);
  });
});

await step('Berth is uninstalled', () => berth.uninstall());
await step('nothing is left when the bed is taken down', stop);
