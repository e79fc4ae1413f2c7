/** Throwaway volumes; run by throwaway.sh. */
import { until } from '../helpers/until.ts';
import { type Bed, startBed } from './bed.ts';
import { installBerth, NAMESPACE, valuesFor } from './berth.ts';
import { diagnose } from './diagnose.ts';
import { isReady, type Pod, podOf, readyPods, shell } from './pods.ts';
import { createStep } from './steps.ts';
import { type Claim, claimOf } from './storage.ts';

const CLASS = 'berth-throwaway';
const SHARED = { storageClass: CLASS, size: '64Mi', accessModes: ['ReadWriteMany'] };

let bed: Bed | undefined;
const step = createStep(async () => (bed ? diagnose(bed) : ''));

const { kubectl, nodes, stop } = await step('2 nodes are up', async () => {
  bed = await startBed({ nodes: 2, disks: { fast: '4G', bulk: '4G' }, berth: true });
  return bed;
});
const berth = await step('Berth is installed with dev.enabled', () =>
  installBerth(bed!, { ...valuesFor(bed!), snapshots: 'never', dev: { enabled: true } }),
);

const isBound = (name: string): Promise<void> =>
  until(`${name} is bound`, async () => (await kubectl.get<Claim>('pvc', name)).status.phase === 'Bound');

/** Where the data is: the pool's volumes as its own daemon lists them. */
async function holderOf(claim: string): Promise<string> {
  const { metadata } = await kubectl.get('pvc', claim);
  for (const node of nodes) {
    const volumes = await berth.berth<{ name: string }[]>(node, 'volume', 'list');
    if (volumes.some(({ name }) => name === `pvc-${metadata.uid}`)) return node;
  }
  throw new Error(`no node has the volume of ${claim}`);
}

const user = (name: string, nodeName: string, securityContext: object = {}): object =>
  podOf(name, shell('exec sleep 3600', { volumeMounts: [{ name: 'data', mountPath: '/data' }] }), {
    nodeName,
    securityContext,
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'shared' } }],
  });

const here = await step('a claim of ReadWriteMany is bound without a pod', async () => {
  await kubectl.apply(claimOf('shared', SHARED));
  await isBound('shared');
  return holderOf('shared');
});
const elsewhere = nodes.find((name) => name !== here)!;

await step('pods of one node, of any user and group, write it together', async () => {
  await kubectl.apply(
    user('root', here),
    user('somebody', here, { runAsUser: 1234, runAsGroup: 1234 }),
    user('grouped', here, { runAsUser: 2345, runAsGroup: 2345, fsGroup: 3000 }),
  );
  const names = ['root', 'somebody', 'grouped'];
  await readyPods(kubectl, `app in (${names.join()})`, names.length);
  for (const name of names) await kubectl.exec(name, 'sh', '-c', `id -u >/data/${name}`);
  for (const name of names) {
    const found = (await kubectl.exec(name, 'sh', '-c', 'cat /data/root /data/somebody /data/grouped')).split('\n');
    if (found.join() !== '0,1234,2345,') throw new Error(`${name} reads ${found.join()}`);
  }
});

await step('a pod of the other node is told what its kernel lacks, and goes at once', async () => {
  await kubectl.apply(user('stranger', elsewhere));
  await until('the event is there', async () => {
    const events = await kubectl.list<{ message: string }>(
      'events',
      '--field-selector',
      'involvedObject.name=stranger,reason=FailedMount',
    );
    return events.some(({ message }) => message.includes('NFS_CLIENT_MISSING') && message.includes('nfsv4'));
  });
  await kubectl.remove('pod', 'stranger');
});

await step('the daemon restarts, and its pods do not notice', async () => {
  const { metadata } = await berth.daemon(here);
  await kubectl.remove('pod', '-n', NAMESPACE, metadata.name);
  await kubectl.exec('root', 'sh', '-c', 'echo after >/data/after');
  await until('a new daemon is there', async () => {
    const pods = await kubectl.list<Pod>('pods', '-n', NAMESPACE, '-l', 'app.kubernetes.io/component=node');
    return pods.length === nodes.length && pods.every(isReady);
  });
  await kubectl.apply(user('late', here));
  await readyPods(kubectl, 'app=late', 1);
  if ((await kubectl.exec('late', 'cat', '/data/after')).trim() !== 'after')
    throw new Error('what was written is not there');
});

await step('the chart refuses to go while there are volumes', () => berth.failToUninstall());

await step('the volume goes with its claim', async () => {
  await kubectl.remove('pods', 'root', 'somebody', 'grouped', 'late');
  await kubectl.remove('pvc', 'shared');
  await until('its data is gone', async () => (await kubectl.list('pv')).length === 0);
});

await step('Berth is uninstalled', () => berth.uninstall());
await step('nothing is left when the bed is taken down', stop);
