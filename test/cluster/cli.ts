/** `berth --kube` against a real cluster; run by cli.sh. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { until } from '../helpers/until.ts';
import { type Bed, startBed } from './bed.ts';
import { installBerth, NAMESPACE, valuesFor } from './berth.ts';
import { diagnose } from './diagnose.ts';
import { podOf, readyPods, shell } from './pods.ts';
import { createStep } from './steps.ts';
import { capacityIsKnown, claimOf } from './storage.ts';

const BIN = join(import.meta.dirname, '../../bin');
const FAILED = 1;
const UNREACHABLE = 3;
const WAIT_LIMIT_MS = 90_000;

let bed: Bed | undefined;
const step = createStep(async () => (bed ? diagnose(bed) : ''));

const { kubectl, nodes, node, stop, folder } = await step('2 nodes are up', async () => {
  bed = await startBed({ nodes: 2, disks: { fast: '4G', bulk: '4G' }, berth: true });
  return bed;
});
const berth = await step('Berth is installed', () => {
  const misspelt = { volumeBindingMode: 'Immediate', parameters: { poolClas: 'fast' } };
  return installBerth(bed!, { ...valuesFor(bed!, { misspelt }), snapshots: 'never' });
});

interface Ended {
  code: number;
  out: string;
  err: string;
}

/** Runs the command line on node1, whose network has the API server, as the cluster's administrator or somebody else. */
async function run(program: string, args: readonly string[], kubeconfig = 'admin.kubeconfig'): Promise<Ended> {
  const output = join(folder, 'cli');
  const command = [`KUBECONFIG=${join(folder, kubeconfig)}`, `TMPDIR=${folder}`, join(BIN, program), ...args];
  const code = await node('node1').run('sh', '-c', '"$@" >"$0.out" 2>"$0.err"; echo $?', output, 'env', ...command);
  return { code: Number(code), out: readFileSync(`${output}.out`, 'utf8'), err: readFileSync(`${output}.err`, 'utf8') };
}

const berthKube = (...args: string[]): Promise<Ended> => run('berth', ['--kube', '--timeout', '20s', ...args]);

async function json<T>(...args: string[]): Promise<T> {
  const { code, out, err } = await berthKube(...args, '--json');
  if (code !== 0) throw new Error(`berth ${args.join(' ')} ended with ${code}: ${err}`);
  return JSON.parse(out) as T;
}

function requireEnd({ code, out, err }: Ended, expected: number, ...texts: string[]): void {
  const all = `${out}${err}`;
  const missing = texts.filter((text) => !all.includes(text));
  if (code !== expected || missing.length > 0) {
    throw new Error(`it ended with ${code} instead of ${expected}, or lacks ${missing.join(' and ')}:\n${all}`);
  }
}

interface Explained {
  code: string;
  cause: string;
  evidence: string[];
}

const explained = (claim: string, code: string): Promise<void> => {
  let last: Explained | undefined;
  return until(
    () => `claim ${claim} is explained by ${code}: ${JSON.stringify(last)}`,
    async () => {
      last = await json<Explained>('explain', 'pvc', claim);
      return last.code === code;
    },
    WAIT_LIMIT_MS,
  );
};

const userOf = (name: string, spec: object = {}): object =>
  podOf(name, shell('exec sleep 3600', { volumeMounts: [{ name: 'data', mountPath: '/data' }] }), {
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
    ...spec,
  });

await step('nodes, pools and the status of the whole cluster', async () => {
  requireEnd(await berthKube('node', 'list'), 0, ...nodes);
  requireEnd(await run('kubectl-berth', ['status']), 0, 'berth-system', '2 of 2 running', '2 of 2 ready');
  const pools = await json<{ node: string; name: string }[]>('pool', 'list');
  const names = pools.map(({ node, name }) => `${node}/${name}`).join();
  if (names !== 'node1/fast,node1/bulk,node2/fast,node2/bulk') throw new Error(`the pools are ${names}`);
  requireEnd(await berthKube('disk', 'list'), 0, node('node1').disk('fast'), node('node2').disk('bulk'));
});

await step('one node, with the commands that every daemon has', async () => {
  for (const name of nodes) {
    const { node: told } = await json<{ node: string }>('--node', name, 'status');
    if (told !== name) throw new Error(`${told} answers for ${name}`);
  }
  requireEnd(await berthKube('--node', 'node9', 'status'), FAILED, 'NODE_UNKNOWN');
  requireEnd(await berthKube('job', 'list'), 2, 'NODE_REQUIRED');
  requireEnd(await run('berth', ['--node', 'node2', 'status']), 2, 'USAGE_INVALID');
});

await step('a volume with its claim and its pod', async () => {
  await capacityIsKnown(kubectl, 2 * nodes.length);
  await kubectl.apply(claimOf('good', { storageClass: 'fast', size: '64Mi' }), userOf('good'));
  const [pod] = await readyPods(kubectl, 'app=good', 1);
  const [listed] = await json<{ node: string; claim: string; pods: string[]; note: null; bytes: { total: number } }[]>(
    'volume',
    'list',
  );
  const { node: found, claim, pods, note, bytes } = listed!;
  const told = [found, claim, pods.join(), note, bytes.total].join();
  const expected = [pod!.spec.nodeName, 'default/good', 'default/good', null, 64 << 20].join();
  if (told !== expected) throw new Error(`it is ${told} instead of ${expected}`);
  requireEnd(await berthKube('volume', 'show', 'default/good'), 0, 'pvc-');
  requireEnd(await berthKube('volume', 'delete', 'default/good', '--yes'), FAILED, 'VOLUME_IN_USE');
  await explained('good', 'BOUND');
});

await step('a volume that no PersistentVolume has is marked, found by a beginning of its id, and deleted', async () => {
  const made = await json<{ id: string }>(
    '--node',
    'node2',
    'volume',
    'create',
    'stray',
    '--size',
    '64Mi',
    '--class',
    'fast',
  );
  requireEnd(await berthKube('volume', 'list'), 0, 'orphan');
  requireEnd(await berthKube('volume', 'delete', made.id.split('.')[1]!, '--yes'), 0, 'stray is deleted');
});

await step('why claims are pending', async () => {
  await kubectl.apply(
    claimOf('lonely', { storageClass: 'fast', size: '64Mi' }),
    claimOf('misspelt', { storageClass: 'misspelt', size: '64Mi' }),
    claimOf('nowhere', { storageClass: 'nowhere', size: '64Mi' }),
    claimOf('huge', { storageClass: 'fast', size: '64Gi' }),
    claimOf('raw', { storageClass: 'fast', size: '64Mi', volumeMode: 'Block' }),
    claimOf('first', { storageClass: 'bulk', size: '2500Mi' }),
    claimOf('second', { storageClass: 'bulk', size: '2500Mi' }),
    userOf('first', { nodeSelector: { 'kubernetes.io/hostname': 'node1' } }),
  );
  await readyPods(kubectl, 'app=first', 1);
  await kubectl.apply(userOf('second', { nodeSelector: { 'kubernetes.io/hostname': 'node1' } }));
  await explained('lonely', 'WAITS_FOR_POD');
  await explained('misspelt', 'PARAMETER_UNKNOWN');
  await explained('nowhere', 'CLASS_MISSING');
  await explained('huge', 'TOO_LARGE');
  await explained('raw', 'BLOCK_UNSUPPORTED');
  await explained('second', 'ROOM_WHERE_POD_CANNOT_GO');
  requireEnd(await berthKube('explain', 'pvc', 'none'), FAILED, 'CLAIM_NOT_FOUND');
});

await step('without the right to exec: the pods are seen, the daemons are not reached', async () => {
  const account = { kind: 'ServiceAccount', name: 'reader', namespace: 'default' };
  await kubectl.apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account.name, namespace: account.namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'reader' },
      subjects: [account],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    },
  );
  const token = (await kubectl.run('create', 'token', account.name)).trim();
  const config = parse(readFileSync(join(folder, 'admin.kubeconfig'), 'utf8')) as { users: object[] };
  const [user] = config.users as { name: string }[];
  const limited = { ...config, users: [{ name: user!.name, user: { token } }] };
  writeFileSync(join(folder, 'reader.kubeconfig'), JSON.stringify(limited), { mode: 0o600 }); // JSON is YAML
  const reader = (...args: string[]): Promise<Ended> => run('berth', ['--kube', ...args], 'reader.kubeconfig');
  requireEnd(await reader('--node', 'node1', 'status'), UNREACHABLE, 'NODE_UNREACHABLE', 'pods/exec');
  requireEnd(await reader('volume', 'list'), FAILED, 'not read: the PersistentVolumes', 'pods/exec');
  requireEnd(await reader('explain', 'pvc', 'lonely'), 0, 'Not read', 'the nodes');
});

await step('a node whose daemon is gone is told of, and the others answer', async () => {
  const { status } = await berth.daemon('node2');
  await node('node2').stop('kubelet', 'KILL'); // who would start it again
  await node('node2').killContainer(status.containerStatuses![0]!.containerID);
  requireEnd(await berthKube('pool', 'list'), FAILED, 'node1  fast', 'NODE_UNREACHABLE: node node2');
  requireEnd(await berthKube('node', 'list'), FAILED, 'silent', 'yes');
  requireEnd(await berthKube('--node', 'node2', 'status'), UNREACHABLE, 'NODE_UNREACHABLE');
  requireEnd(await berthKube('--node', 'node1', 'status'), 0);
  await node('node2').restart('kubelet');
  await until(
    'node2 answers again',
    async () => (await berthKube('--node', 'node2', 'status')).code === 0,
    WAIT_LIMIT_MS,
  );
});

await step("no relay is left in the daemons' pods, and no socket here", async () => {
  for (const name of nodes) {
    const pod = await berth.daemon(name);
    await until(`no relay runs on ${name}`, async () => {
      const running = await kubectl.run('exec', '-n', NAMESPACE, pod.metadata.name, '--', 'ps');
      return !running.includes('dial-stdio');
    });
  }
  const sockets = readdirSync(folder).filter((name) => name.startsWith('berth-'));
  if (sockets.length > 0) throw new Error(`there are ${sockets.join(', ')}`);
});

await step('nothing is left when the bed is taken down', stop);
