import { until } from '../../helpers/until.ts';
import type { KubeObject } from '../kubectl.ts';
import { readyPods, shell } from '../pods.ts';
import { noneIsLost, type Retention, statefulSetOf } from '../storage.ts';
import type { Cluster } from './cluster.ts';

const LIMIT_MS = 90_000;
/** Each replica writes once what it could not write a second time. */
const WRITE_ONCE = '[ -e /data/id ] || cat /proc/sys/kernel/random/uuid >/data/id; sync; exec sleep 3600';

const POLICIES: Readonly<Record<string, Retention>> = {
  'keep-keep': { whenDeleted: 'Retain', whenScaled: 'Retain' },
  'keep-drop': { whenDeleted: 'Retain', whenScaled: 'Delete' },
  'drop-keep': { whenDeleted: 'Delete', whenScaled: 'Retain' },
  'drop-drop': { whenDeleted: 'Delete', whenScaled: 'Delete' },
};
const NAMES = Object.keys(POLICIES);

const setOf = (name: string): object =>
  statefulSetOf(name, {
    replicas: 2,
    retention: POLICIES[name]!,
    container: shell(WRITE_ONCE, {
      readinessProbe: { exec: { command: ['test', '-s', '/data/id'] }, periodSeconds: 1 },
    }),
    claims: [{ name: 'data', path: '/data', storageClass: 'fast', size: '32Mi' }],
  });

/** persistentVolumeClaimRetentionPolicy, each of its four kinds. */
export async function testRetention({ kubectl, nodes, berth, step }: Cluster): Promise<void> {
  const ready = async (replicas: number): Promise<void> => {
    for (const name of NAMES) await readyPods(kubectl, `app=${name}`, replicas);
  };
  /** What every replica has written, by pod. */
  const read = async (): Promise<Record<string, string>> => {
    const pods = NAMES.flatMap((name) => [`${name}-0`, `${name}-1`]);
    const ids = await Promise.all(pods.map((pod) => kubectl.exec(pod, 'cat', '/data/id')));
    return Object.fromEntries(pods.map((pod, index) => [pod, ids[index]!]));
  };
  /** Claims, their PersistentVolumes and the nodes' volumes are those of these pods. */
  const onlyTheseAreKept = async (pods: readonly string[]): Promise<void> => {
    const expected = pods.map((pod) => `data-${pod}`).toSorted();
    let found: string[] = [];
    await until(
      () => `there are the claims ${expected.join(', ')}: ${found.join(', ')}`,
      async () => {
        found = (await kubectl.list<KubeObject>('pvc')).map(({ metadata }) => metadata.name).toSorted();
        return found.join() === expected.join();
      },
      LIMIT_MS,
    );
    await noneIsLost(kubectl, nodes, berth, expected.length);
  };
  const keeping = (when: keyof Retention): string[] => NAMES.filter((name) => POLICIES[name]![when] === 'Retain');
  const requireSame = (
    before: Record<string, string>,
    after: Record<string, string>,
    kept: readonly string[],
  ): void => {
    for (const pod of Object.keys(before)) {
      const isSame = before[pod] === after[pod];
      if (isSame !== kept.includes(pod)) throw new Error(`${pod} has ${isSame ? 'its old' : 'new'} data`);
    }
  };

  const first = await step('StatefulSets with each retention policy write', async () => {
    await kubectl.apply(...NAMES.map(setOf));
    await ready(2);
    return read();
  });

  const firstOnes = NAMES.map((name) => `${name}-0`);
  const second = await step(
    'scaled down and up, they find what whenScaled: Retain kept, and nothing else',
    async () => {
      const kept = [...firstOnes, ...keeping('whenScaled').map((name) => `${name}-1`)];
      await kubectl.run('scale', 'statefulset', ...NAMES, '--replicas=1');
      await ready(1);
      await onlyTheseAreKept(kept);
      await kubectl.run('scale', 'statefulset', ...NAMES, '--replicas=2');
      await ready(2);
      const found = await read();
      requireSame(first, found, kept);
      return found;
    },
  );

  await step('deleted and made anew, they find what whenDeleted: Retain kept, and nothing else', async () => {
    const kept = keeping('whenDeleted').flatMap((name) => [`${name}-0`, `${name}-1`]);
    await kubectl.remove('statefulset', ...NAMES, '--cascade=foreground');
    await onlyTheseAreKept(kept);
    await kubectl.apply(...NAMES.map(setOf));
    await ready(2);
    requireSame(second, await read(), kept);
  });

  await step('and let go of everything', async () => {
    await kubectl.remove('statefulset', ...NAMES, '--cascade=foreground');
    await kubectl.remove('pvc', '--all');
    await onlyTheseAreKept([]);
  });
}
