import { until } from '../../helpers/until.ts';
import { type Pod, readyPods } from '../pods.ts';
import { claimOf, noneIsLost } from '../storage.ts';
import { type Cluster, onNode, userOf } from './cluster.ts';

/** ReadWriteOncePod: who comes second waits. */
export async function testSinglePod({ kubectl, nodes, berth, step }: Cluster): Promise<void> {
  const [here = ''] = nodes;

  await step('of two pods with a ReadWriteOncePod claim, the second waits for the first', async () => {
    await kubectl.apply(
      claimOf('single', { storageClass: 'fast', size: '64Mi', accessModes: ['ReadWriteOncePod'] }),
      userOf(
        'holder',
        { '/data': 'single' },
        { script: 'echo kept >/data/file; sync; exec sleep 3600', ...onNode(here) },
      ),
    );
    await readyPods(kubectl, 'app=holder', 1);
    // The one is stopped by the scheduler; the other, which has a node already, by the kubelet.
    await kubectl.apply(
      userOf('waiting', { '/data': 'single' }),
      userOf('placed', { '/data': 'single' }, { nodeName: here }),
    );
    let told: (string | undefined)[] = [];
    await until(
      () => `both are refused: ${told.join('; ')}`,
      async () => {
        const { status } = await kubectl.get<Pod>('pod', 'waiting');
        const events = await kubectl.list<{ message: string }>('events', '--field-selector=involvedObject.name=placed');
        told = [
          status.conditions?.find(({ type }) => type === 'PodScheduled')?.message,
          events.map(({ message }) => message).findLast((message) => message.includes('ReadWriteOncePod')),
        ];
        return told.every((message) => message?.includes('ReadWriteOncePod'));
      },
      90_000,
    );
    await kubectl.remove('pod', 'placed');
  });

  await step('and goes on after it', async () => {
    await kubectl.remove('pod', 'holder');
    await readyPods(kubectl, 'app=waiting', 1);
    const found = (await kubectl.exec('waiting', 'cat', '/data/file')).trim();
    if (found !== 'kept') throw new Error(`it found ${JSON.stringify(found)}`);
    await kubectl.remove('pod/waiting', 'pvc/single');
    await noneIsLost(kubectl, nodes, berth, 0);
  });
}
