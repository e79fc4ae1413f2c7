/** The bed itself; run by smoke.sh. */
import { until } from '../helpers/until.ts';
import { type Bed, startBed } from './bed.ts';
import { diagnose } from './diagnose.ts';
import { podOf, readyPods, shell } from './pods.ts';
import { createStep } from './steps.ts';

const NODES = 2;
const DISK_BYTES = 4n << 30n;
const NEW_ADDRESS = '10.77.0.22';
const SERVER = 'mkdir /www; hostname >/www/index.html; echo serving; exec httpd -f -p 8080 -h /www';

let bed: Bed | undefined;
const step = createStep(async () => (bed ? diagnose(bed) : ''));

function requireEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what} is ${String(found)} instead of ${String(expected)}`);
}

const { kubectl, nodes, node, stop } = await step(`${NODES} nodes are up`, async () => {
  bed = await startBed({ nodes: NODES, disks: { fast: '4G', bulk: '4G' } });
  return bed;
});

/** Until it has been `expected`: the rules of a Service follow its endpoints, and an endpoint is taken at random. */
const answers = (pod: string, url: string, expected: string): Promise<void> =>
  until(`${pod} gets ${expected} from ${url}`, async () => {
    const answer = await kubectl.exec(pod, 'timeout', '5', 'wget', '-qO-', url).catch(String);
    return answer.trim() === expected;
  });

await step('every node has disks of its own', async () => {
  const devices = nodes.flatMap((name) => [node(name).disk('fast'), node(name).disk('bulk')]);
  requireEqual('their number', new Set(devices).size, 2 * NODES);
  for (const device of devices) {
    requireEqual(device, BigInt(await node('node1').run('blockdev', '--getsize64', device)), DISK_BYTES);
  }
});

const pods = await step('pods run on every node, on their own network and on its', async () => {
  await kubectl.apply(
    ...nodes.flatMap((name) => [
      podOf(`web-${name}`, shell(SERVER), { nodeName: name, hostname: name }),
      podOf(`host-${name}`, shell('sleep 3600'), { nodeName: name, hostNetwork: true }),
    ]),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'node2' },
      spec: { selector: { app: 'web-node2' }, ports: [{ port: 80, targetPort: 8080 }] },
    },
  );
  await readyPods(kubectl, 'app in (host-node1, host-node2)', NODES);
  return readyPods(kubectl, 'app in (web-node1, web-node2)', NODES);
});

await step('logs and exec', async () => {
  for (const { metadata, spec } of pods) {
    requireEqual('the log', (await kubectl.run('logs', metadata.name)).trim(), 'serving');
    requireEqual('the host name', (await kubectl.exec(metadata.name, 'hostname')).trim(), spec.nodeName);
  }
});

await step('pods reach each other across nodes, by address and by name', async () => {
  for (const { status } of pods.slice(1)) await answers('web-node1', `http://${status.podIP}:8080`, 'node2');
  await answers('web-node1', 'http://node2', 'node2');
  await answers('host-node1', `http://${pods[1]!.status.podIP}:8080`, 'node2');
  await answers('web-node2', 'http://node2.default.svc.cluster.local', 'node2');
});

await step('a kubelet that is killed comes back, and its pods stay', async () => {
  await node('node2').restart('kubelet', 'KILL');
  // For some seconds the kubelet does not know its pods.
  await until(
    'exec answers',
    async () => (await kubectl.exec('web-node2', 'hostname').catch(String)).trim() === 'node2',
  );
  const [pod] = await readyPods(kubectl, 'app=web-node2', 1);
  requireEqual('the number of restarts', pod!.status.containerStatuses![0]!.restartCount, 0);
});

await step('a node may get another address', async () => {
  await node('node2').readdress(NEW_ADDRESS);
  await answers('web-node1', 'http://node2', 'node2');
});

await step('pods go when they are deleted', () =>
  kubectl.remove('pods', ...nodes.flatMap((name) => [`web-${name}`, `host-${name}`])),
);

await step('nothing is left when the bed is taken down', stop);
