/** A node and controllers that start anew; run by restarts.sh. */
import { until } from '../helpers/until.ts';
import { type Bed, startBed } from './bed.ts';
import { IMMEDIATE, installBerth, NAMESPACE, valuesFor } from './berth.ts';
import { diagnose } from './diagnose.ts';
import type { KubeObject } from './kubectl.ts';
import { isReady, type Pod, readyPods } from './pods.ts';
import { createStep } from './steps.ts';
import { allBound, claimOf, noneIsLost } from './storage.ts';
import { onNode, userOf } from './volumes/cluster.ts';

const CONTROLLERS = 'app.kubernetes.io/component=controller';
const REPLICAS = 2;
const METRICS_PORT = 9811;
const CLAIMS = 10;
const LIMIT_MS = 120_000;
/** Each pod writes once what it could not write a second time. */
const WRITE_ONCE =
  'for d in /fast /bulk; do [ -e $d/id ] || cat /proc/sys/kernel/random/uuid >$d/id; done; sync; exec sleep 3600';

interface Authority extends KubeObject {
  data: Record<string, string>;
}

let bed: Bed | undefined;
const step = createStep(async () => (bed ? diagnose(bed) : ''));

const { kubectl, nodes, node, stop } = await step('2 nodes are up', async () => {
  bed = await startBed({ nodes: 2, disks: { fast: '4G', bulk: '4G' }, berth: true });
  return bed;
});

const berth = await step(`Berth is installed, with ${REPLICAS} controllers`, () =>
  installBerth(bed!, {
    ...valuesFor(bed!, { immediate: IMMEDIATE }),
    controller: { replicas: REPLICAS },
    snapshots: 'never',
  }),
);

/** The nodes whose pools a controller has, as its metrics tell. */
async function connectedTo({ status }: Pod): Promise<string[]> {
  const metrics = await node('node1').run('busybox', 'wget', '-qO-', `http://${status.podIP}:${METRICS_PORT}/metrics`);
  return [...metrics.matchAll(/^berth_fleet_node_ready\{.*node="([^"]+)".*\} 1$/gm)].map(([, name = '']) => name);
}

/** Waits until there are the replicas of the controller, none of them `old`, with every node connected to each. */
async function allConnected(old: readonly Pod[] = []): Promise<Pod[]> {
  let pods: Pod[] = [];
  let told = '';
  await until(
    () => `every node is connected to every controller: ${told}`,
    async () => {
      pods = await kubectl.list<Pod>('pods', '-n', NAMESPACE, '-l', CONTROLLERS);
      const connected = await Promise.all(pods.map((pod) => connectedTo(pod).catch(() => [])));
      told = pods.map(({ metadata }, index) => `${metadata.name} has ${connected[index]!.join(', ')}`).join('; ');
      return (
        pods.length === REPLICAS &&
        pods.every((pod) => isReady(pod) && !old.some(({ metadata }) => metadata.uid === pod.metadata.uid)) &&
        connected.every((names) => names.toSorted().join() === nodes.join())
      );
    },
    LIMIT_MS,
  );
  return pods;
}

async function claimsAreBound(prefix: string): Promise<void> {
  await allBound(kubectl, prefix, CLAIMS);
  await noneIsLost(kubectl, nodes, berth);
}
const claimsOf = (prefix: string): object[] =>
  Array.from({ length: CLAIMS }, (_, index) =>
    claimOf(`${prefix}-${index}`, { storageClass: 'immediate', size: '16Mi' }),
  );

const first = await step('every node is connected to both controllers', () => allConnected());

await step('one of them is gone at once: claims are made, and its successor has every node', async () => {
  const [victim] = first;
  await kubectl.apply(...claimsOf('one'));
  await kubectl.remove('pod', '-n', NAMESPACE, victim!.metadata.name, '--force', '--grace-period=0');
  await claimsAreBound('one');
  await allConnected([victim!]);
});

await step('started together without their Secret, they agree on one authority, and every node connects', async () => {
  const old = await allConnected();
  const [before] = await kubectl.list<Authority>('secrets', '-n', NAMESPACE, '--field-selector=metadata.name=berth-ca');
  await kubectl.remove('secret', '-n', NAMESPACE, 'berth-ca');
  await kubectl.remove('pods', '-n', NAMESPACE, '-l', CONTROLLERS, '--force', '--grace-period=0');
  await allConnected(old);
  const { data } = await kubectl.get<Authority>('secret', 'berth-ca', '-n', NAMESPACE);
  const issuer = Buffer.from(data['issuer.crt']!, 'base64').toString().trim();
  if (data['issuer.crt'] === before!.data['issuer.crt']) throw new Error('it is the one that was deleted');
  const trusted = await kubectl.get<Authority>('configmap', 'berth-ca', '-n', NAMESPACE);
  if (trusted.data['ca.crt']!.trim() !== issuer) throw new Error(`the nodes trust ${trusted.data['ca.crt']}`);
  await kubectl.apply(...claimsOf('two'));
  await claimsAreBound('two');
});

const writers = nodes.map((name) => `writer-${name}`);
const WRITERS = `app in (${writers.join(', ')})`;
const read = (): Promise<string[]> =>
  Promise.all(writers.map((writer) => kubectl.exec(writer, 'cat', '/fast/id', '/bulk/id')));

const written = await step('a pod writes on each node', async () => {
  for (const name of nodes) {
    await kubectl.apply(
      claimOf(`fast-${name}`, { storageClass: 'fast', size: '64Mi' }),
      claimOf(`bulk-${name}`, { storageClass: 'bulk', size: '320Mi' }),
      userOf(
        `writer-${name}`,
        { '/fast': `fast-${name}`, '/bulk': `bulk-${name}` },
        { script: WRITE_ONCE, ...onNode(name) },
      ),
    );
  }
  await readyPods(kubectl, WRITERS, writers.length);
  let found: string[] = [];
  await until('they have written', async () => {
    found = await read().catch(() => []);
    return found.length > 0;
  });
  return found;
});

/** What kubelet and daemon have mounted on the node, and the loop devices of its images. */
async function inUse(): Promise<string[]> {
  const mounts = await node('node2').run('findmnt', '-rno', 'TARGET');
  const loops = await node('node2').run('losetup', '-nO', 'BACK-FILE');
  return [
    ...mounts.split('\n').filter((line) => line.includes('kubernetes.io~csi') || line.includes('/csi.berth.dev/')),
    ...loops.split('\n').filter((line) => line.includes('/volumes/')),
  ].toSorted();
}

await step('a node loses its power and starts: its pod has its data, nothing is mounted twice', async () => {
  const before = await inUse();
  for (const part of ['kubernetes.io~csi', '/volumes/']) {
    if (!before.some((path) => path.includes(part))) throw new Error(`nothing is in use: ${before.join(' ')}`);
  }
  const restarts = async (): Promise<number> => {
    const [, pod] = await readyPods(kubectl, WRITERS, writers.length);
    return pod!.status.containerStatuses![0]!.restartCount;
  };
  const started = await restarts();
  await node('node2').reboot();
  await until('its pod has started anew', async () => (await restarts()) > started, LIMIT_MS);
  const found = await read();
  if (found.join() !== written.join()) throw new Error(`there is ${found.join()} instead of ${written.join()}`);
  const after = await inUse();
  if (after.join('\n') !== before.join('\n'))
    throw new Error(`in use are ${after.join(' ')} instead of ${before.join(' ')}`);
});

await step('what was mounted then goes as it does otherwise', async () => {
  await kubectl.remove('pods', '--all');
  await kubectl.remove('pvc', '--all');
  await noneIsLost(kubectl, nodes, berth, 0);
  const left = (await inUse()).filter((path) => path.includes('kubernetes.io~csi') || path.includes('/volumes/'));
  if (left.length > 0) throw new Error(`left are ${left.join(' ')}`);
});

await step('Berth is uninstalled', () => berth.uninstall());
await step('nothing is left when the bed is taken down', stop);
