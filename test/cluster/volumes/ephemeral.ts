import { podOf, readyPods, shell } from '../pods.ts';
import { noneIsLost } from '../storage.ts';
import type { Cluster } from './cluster.ts';

/** In MiB. A file system keeps some of the larger one for itself. */
const LIMITS = { '/generic': 64, '/inline-fast': 64, '/inline-bulk': 320 } as const;
const FOLDERS = Object.keys(LIMITS) as (keyof typeof LIMITS)[];

const claimTemplate = {
  spec: { storageClassName: 'fast', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '64Mi' } } },
};
const inline = (size: string, poolClass: string, fsType?: string): object => ({
  csi: { driver: 'csi.berth.dev', ...(fsType && { fsType }), volumeAttributes: { size, poolClass } },
});

/** Volumes that live as long as their pod. */
export async function testEphemeral({ kubectl, nodes, berth, step }: Cluster): Promise<void> {
  await step('a pod has ephemeral volumes, generic and inline', async () => {
    await kubectl.apply(
      podOf(
        'ephemeral',
        shell('exec sleep 3600', {
          volumeMounts: FOLDERS.map((mountPath) => ({ name: mountPath.slice(1), mountPath })),
        }),
        {
          volumes: [
            { name: 'generic', ephemeral: { volumeClaimTemplate: claimTemplate } },
            { name: 'inline-fast', ...inline('64Mi', 'fast') },
            { name: 'inline-bulk', ...inline('320Mi', 'bulk', 'xfs') },
          ],
        },
      ),
    );
    await readyPods(kubectl, 'app=ephemeral', 1);
  });

  await step('each is written up to its limit, and no further', async () => {
    for (const folder of FOLDERS) {
      const refused = await kubectl
        .exec(
          'ephemeral',
          'dd',
          'if=/dev/zero',
          `of=${folder}/big`,
          'bs=1M',
          `count=${LIMITS[folder] + 8}`,
          'conv=fsync',
        )
        .then(
          () => undefined,
          (error: Error) => error.message,
        );
      if (!/No space left|quota exceeded/i.test(refused ?? '')) throw new Error(`${folder} took more: ${refused}`);
      const used = Number((await kubectl.exec('ephemeral', 'du', '-m', `${folder}/big`)).split('\t')[0]);
      if (used > LIMITS[folder] || used < LIMITS[folder] / 2) throw new Error(`${folder} holds ${used} MiB`);
    }
  });

  await step('and gone with the pod', async () => {
    await kubectl.remove('pod', 'ephemeral');
    await noneIsLost(kubectl, nodes, berth, 0);
  });
}
