import { readyPods } from '../pods.ts';
import { claimOf, noneIsLost } from '../storage.ts';
import { type Cluster, onNode, userOf } from './cluster.ts';

const POLICIES = ['Always', 'OnRootMismatch'];
const CLAIMS = { '/fast': 'fast-group', '/bulk': 'bulk-group' };
const FOLDERS = Object.keys(CLAIMS);

/** A pod that is not root writes by the group that its volumes are given to. */
export async function testFsGroup({ kubectl, nodes, berth, step }: Cluster): Promise<void> {
  const [here = ''] = nodes;
  const stat = async (pod: string, path: string): Promise<string> =>
    (await kubectl.exec(pod, 'stat', '-c', '%u:%g %A', path)).trim();

  await step('root leaves files of its own in a volume of each backend', async () => {
    const script =
      'umask 077; for d in /fast /bulk; do mkdir $d/sub; echo old >$d/sub/file; done; sync; exec sleep 3600';
    await kubectl.apply(
      claimOf('fast-group', { storageClass: 'fast', size: '64Mi' }),
      claimOf('bulk-group', { storageClass: 'bulk', size: '320Mi' }),
      userOf('owner', CLAIMS, { script, ...onNode(here) }),
    );
    await readyPods(kubectl, 'app=owner', 1);
    await kubectl.exec('owner', 'test', '-s', '/bulk/sub/file');
    await kubectl.remove('pod', 'owner');
  });

  for (const [index, fsGroupChangePolicy] of POLICIES.entries()) {
    const fsGroup = 2000 + index;
    const pod = `group-${fsGroup}`;
    await step(`user 1000 of fsGroup ${fsGroup} writes, with fsGroupChangePolicy ${fsGroupChangePolicy}`, async () => {
      const securityContext = { runAsUser: 1000, runAsGroup: 1000, fsGroup, fsGroupChangePolicy };
      await kubectl.apply(userOf(pod, CLAIMS, { securityContext, ...onNode(here) }));
      await readyPods(kubectl, `app=${pod}`, 1);
      for (const folder of FOLDERS) {
        await kubectl.exec(pod, 'sh', '-c', `echo more >>${folder}/sub/file && echo new >${folder}/sub/${fsGroup}`);
        const found = await Promise.all(
          [`${folder}/sub`, `${folder}/sub/file`, `${folder}/sub/${fsGroup}`].map((path) => stat(pod, path)),
        );
        const expected = [`0:${fsGroup} drwxrws---`, `0:${fsGroup} -rw-rw----`, `1000:${fsGroup} -rw-r--r--`];
        if (found.join() !== expected.join()) throw new Error(`${folder} has ${found.join(', ')}`);
      }
      await kubectl.remove('pod', pod);
    });
  }

  await step('those volumes go', async () => {
    await kubectl.remove('pvc', ...Object.values(CLAIMS));
    await noneIsLost(kubectl, nodes, berth, 0);
  });
}
