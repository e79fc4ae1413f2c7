import { until } from '../../helpers/until.ts';
import type { KubeObject } from '../kubectl.ts';
import { readyPods } from '../pods.ts';
import { claimOf, noneIsLost } from '../storage.ts';
import { type Cluster, onNode, userOf } from './cluster.ts';

const LIMIT_MS = 90_000;
/** Images: of `fast`, whose btrfs cannot hold still, no two volumes in use could be in a group. */
const BULK = { storageClass: 'bulk', size: '320Mi' };
const API = 'groupsnapshot.storage.k8s.io/v1';
/** Counts in one volume, then in the other: at no moment is the second ahead, or more than one behind. */
const COUNTER = `
n=0
while :; do
  n=$((n + 1))
  for file in /first/n /second/n; do echo $n >$file.new && sync $file.new && mv $file.new $file && sync $file || exit 1; done
done`;

interface Snapshot extends KubeObject {
  spec: { source: { persistentVolumeClaimName?: string } };
  status?: { readyToUse?: boolean; volumeGroupSnapshotName?: string };
}

const groupOf = (name: string): object => ({
  apiVersion: API,
  kind: 'VolumeGroupSnapshot',
  metadata: { name },
  spec: { volumeGroupSnapshotClassName: 'berth', source: { selector: { matchLabels: { [name]: 'yes' } } } },
});

/** Snapshots of several volumes at one moment, made by external-snapshotter. */
export async function testGroups({ kubectl, nodes, berth, step }: Cluster): Promise<void> {
  const [here = '', there = ''] = nodes;
  await step('two volumes of a pod are snapshotted as a group', async () => {
    await kubectl.apply(
      claimOf('first', BULK),
      claimOf('second', BULK),
      claimOf('third', { storageClass: 'fast', size: '64Mi' }),
      userOf('counter', { '/first': 'first', '/second': 'second' }, { script: COUNTER, ...onNode(here) }),
      userOf('elsewhere', { '/third': 'third' }, onNode(there)),
    );
    await readyPods(kubectl, 'app in (counter, elsewhere)', 2);
    await until('it counts', () =>
      kubectl.exec('counter', 'cat', '/second/n').then(
        (count) => Number(count) > 3,
        () => false,
      ),
    );
    await kubectl.run('label', 'pvc', 'first', 'second', 'together=yes', 'apart=yes');
    await kubectl.run('label', 'pvc', 'third', 'apart=yes');
    await kubectl.apply(groupOf('together'));
    await kubectl.run(
      ...['wait', '--for=jsonpath={.status.readyToUse}=true', `--timeout=${LIMIT_MS / 1000}s`],
      'volumegroupsnapshot/together',
    );
  });

  await step('each restored from its own snapshot, they have the data of one moment', async () => {
    let snapshots: Snapshot[] = [];
    // The group is ready before its members have their status.
    await until(
      () => `the group has two snapshots; ${snapshots.length} are known`,
      async () => {
        const all = await kubectl.list<Snapshot>('volumesnapshots');
        snapshots = all.filter(({ status }) => status?.volumeGroupSnapshotName === 'together');
        return snapshots.length === 2;
      },
    );
    for (const { metadata, spec } of snapshots) {
      const source = spec.source.persistentVolumeClaimName;
      const dataSource = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: metadata.name };
      await kubectl.apply(claimOf(`${source}-then`, { ...BULK, dataSource }));
    }
    await kubectl.apply(userOf('reader', { '/first': 'first-then', '/second': 'second-then' }, onNode(here)));
    await readyPods(kubectl, 'app=reader', 1);
    const counts = (await kubectl.exec('reader', 'cat', '/first/n', '/second/n')).trim().split('\n').map(Number);
    const [first = Number.NaN, second = Number.NaN] = counts;
    if (!(first >= second && first <= second + 1)) throw new Error(`the counts are ${counts.join(' and ')}`);
  });

  await step('a group over two nodes is refused with its reason', async () => {
    await kubectl.apply(groupOf('apart'));
    let told = '';
    await until(
      () => `the group says why: ${told}`,
      async () => {
        const { status } = await kubectl.get<{ status?: { error?: { message?: string } } }>(
          'volumegroupsnapshot',
          'apart',
        );
        told = status?.error?.message ?? '';
        return told.includes('GROUP_NOT_CONSISTENT') && told.includes(here) && told.includes(there);
      },
      LIMIT_MS,
    );
  });

  await step('groups and their snapshots go', async () => {
    await kubectl.remove('volumegroupsnapshots', '--all');
    await kubectl.remove('pods', '--all');
    await kubectl.remove('pvc', '--all');
    await until(
      'there are no snapshots',
      async () => (await kubectl.list('volumesnapshotcontents')).length === 0,
      LIMIT_MS,
    );
    await noneIsLost(kubectl, nodes, berth, 0);
  });
}
