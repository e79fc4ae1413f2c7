import { until } from '../../helpers/until.ts';
import { readyPods } from '../pods.ts';
import { type Claim, claimOf, noneIsLost } from '../storage.ts';
import { type Cluster, userOf } from './cluster.ts';

interface LimitedClaim extends Claim {
  status: Claim['status'] & { currentVolumeAttributesClassName?: string };
}

const classOf = (name: string, parameters: object): object => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'VolumeAttributesClass',
  metadata: { name },
  driverName: 'csi.berth.dev',
  parameters,
});

/** VolumeAttributesClass, through the resizer. What a limit does is shown in test/vm/io-limits.sh. */
export async function testIoLimits({ kubectl, nodes, berth, step }: Cluster): Promise<void> {
  const change = (name: string): Promise<void> =>
    kubectl.patch('pvc', 'limited', { spec: { volumeAttributesClassName: name } });
  const told = async (): Promise<string[]> =>
    (await kubectl.list<{ message: string }>('events', '--field-selector=involvedObject.name=limited')).map(
      ({ message }) => message,
    );
  const hasClass = async (name: string): Promise<boolean> =>
    (await kubectl.get<LimitedClaim>('pvc', 'limited')).status.currentVolumeAttributesClassName === name;

  await step('a claim in use gets the limits of its class, or is told why the node has none', async () => {
    await kubectl.apply(
      classOf('slow', { writeBytesPerSecond: '4Mi' }),
      classOf('unlimited', { writeBytesPerSecond: 'max' }),
      classOf('wrong', { iops: '7' }),
      claimOf('limited', { storageClass: 'bulk', size: '320Mi' }),
      userOf('limited-user', { '/data': 'limited' }),
    );
    await readyPods(kubectl, 'app=limited-user', 1);
    await change('slow');
    await until(
      'the limit is set or refused',
      async () => (await hasClass('slow')) || (await told()).some((text) => text.includes('IO_LIMITS_UNSUPPORTED')),
      90_000,
    );
  });

  await step('a class with an unknown parameter is refused by name', async () => {
    await change('wrong');
    await until(
      'it is refused',
      async () => (await told()).some((text) => text.includes('PARAMETER_UNKNOWN') && text.includes('iops')),
      90_000,
    );
  });

  await step('a class without a limit can be had everywhere', async () => {
    await change('unlimited');
    await until('the claim has it', () => hasClass('unlimited'), 90_000);
    await kubectl.remove('pod/limited-user', 'pvc/limited');
    await kubectl.remove('volumeattributesclass', 'slow', 'unlimited', 'wrong');
    await noneIsLost(kubectl, nodes, berth, 0);
  });
}
