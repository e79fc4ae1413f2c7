import type { V1Pod } from '@kubernetes/client-node';
import { BerthError } from '../errors.ts';
import type { Api } from './api.ts';
import { request } from './request.ts';

/** Labels of the chart's pods. */
const BERTH = 'app.kubernetes.io/name=berth';
const COMPONENT = 'app.kubernetes.io/component';

/** The pod of a node's daemon. */
export interface DaemonPod {
  node: string;
  namespace: string;
  name: string;
  container: string;
  /** Why nothing can answer in it, in plain words. */
  problem?: string | undefined;
}

/** Berth as it is installed in a cluster. */
export interface Installation {
  namespace: string;
  /** In the order of their nodes. */
  daemons: readonly DaemonPod[];
  controllers: readonly V1Pod[];
}

/**
 * Finds Berth by its pods, in one namespace or in all. Rejects with KUBE_NOT_INSTALLED, KUBE_SEVERAL_INSTALLED or
 * KUBE_REQUEST_FAILED.
 */
export async function findInstallation({ core }: Api, wanted: string | undefined): Promise<Installation> {
  const { items } = await request(
    'list the pods of Berth',
    wanted === undefined
      ? core.listPodForAllNamespaces({ labelSelector: BERTH })
      : core.listNamespacedPod({ namespace: wanted, labelSelector: BERTH }),
  );
  const nodePods = items.filter(isOf('node'));
  const namespaces = [...new Set(nodePods.map(({ metadata }) => metadata!.namespace!))].sort();
  const [namespace, ...others] = namespaces;
  if (namespace === undefined) {
    throw new BerthError('KUBE_NOT_INSTALLED', { where: wanted === undefined ? 'the cluster' : `namespace ${wanted}` });
  }
  if (others.length > 0) throw new BerthError('KUBE_SEVERAL_INSTALLED', { namespaces: namespaces.join(', ') });
  return { namespace, daemons: daemonsOf(nodePods), controllers: items.filter(isOf('controller')) };
}

const isOf =
  (component: string) =>
  ({ metadata }: V1Pod): boolean =>
    metadata?.labels?.[COMPONENT] === component;

/** One a node: while pods are replaced, the one that can answer. */
function daemonsOf(pods: readonly V1Pod[]): DaemonPod[] {
  const byNode = new Map<string, DaemonPod>();
  for (const pod of pods) {
    const node = pod.spec?.nodeName;
    if (node === undefined || node === '') continue;
    const daemon = toDaemon(pod, node);
    const known = byNode.get(node);
    if (known === undefined || (known.problem !== undefined && daemon.problem === undefined)) byNode.set(node, daemon);
  }
  return [...byNode.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
}

const toDaemon = (pod: V1Pod, node: string): DaemonPod => ({
  node,
  namespace: pod.metadata!.namespace!,
  name: pod.metadata!.name!,
  container: pod.spec!.containers[0]!.name,
  problem: podProblem(pod),
});

/** Why the first container of a pod does not run; undefined when it does. */
export function podProblem({ metadata, status }: V1Pod): string | undefined {
  const { waiting, terminated, running } = status?.containerStatuses?.[0]?.state ?? {};
  const pod = `its pod ${metadata?.name}`;
  if (waiting) return `${pod} waits: ${[waiting.reason, waiting.message].filter(Boolean).join(': ')}`;
  if (terminated) return `${pod} has ended: ${[terminated.reason, terminated.message].filter(Boolean).join(': ')}`;
  if (running) return undefined;
  return `${pod} is ${status?.phase ?? 'unknown'}${status?.reason ? `: ${status.reason}` : ''}`;
}
