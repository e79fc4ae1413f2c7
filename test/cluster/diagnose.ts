import type { Bed } from './bed.ts';
import type { Kubectl } from './kubectl.ts';
import { isReady, type Pod } from './pods.ts';

/** Its pods are told of even when they are well. */
const NAMESPACE = 'berth-system';

/** What somebody wants to see of a cluster in which something went wrong. */
export async function diagnose({ kubectl, nodes, node }: Bed): Promise<string> {
  const show = (...args: string[]): Promise<string> => kubectl.run(...args).catch((error: Error) => error.message);
  const parts = [
    await show('get', 'nodes,pods,pvc,pv', '-A', '-o', 'wide'),
    last(await show('get', 'events', '-A', '--sort-by=.lastTimestamp'), 40),
    ...(await describeTroubled(kubectl, show).catch((error: Error) => [error.message])),
    ...nodes.map(
      (name) =>
        `kubelet of ${name}:\n${last(
          node(name)
            .log('kubelet')
            .replaceAll(/^I.*\n/gm, ''),
          20,
        )}`,
    ),
  ];
  return parts.join('\n---\n');
}

async function describeTroubled(kubectl: Kubectl, show: (...args: string[]) => Promise<string>): Promise<string[]> {
  const pods = await kubectl.list<Pod>('pods', '-A');
  const troubled = pods.filter((pod) => !isReady(pod)).slice(0, 5);
  const told = new Set([...troubled, ...pods.filter(({ metadata }) => metadata.namespace === NAMESPACE)]);
  const logs = ({ metadata: { name, namespace = 'default' } }: Pod): Promise<string> =>
    show('logs', '-n', namespace, name, '--all-containers', '--prefix', '--tail=40');
  const descriptions = troubled.map(({ metadata: { name, namespace = 'default' } }) =>
    show('describe', 'pod', '-n', namespace, name),
  );
  return Promise.all([...descriptions, ...[...told].map(logs)]);
}

const last = (text: string, lines: number): string => text.trimEnd().split('\n').slice(-lines).join('\n');
