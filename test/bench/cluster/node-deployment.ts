/**
 * Berth without its controller: the sidecars in the DaemonSet's pods, each for its own node, made from the objects of the
 * chart. Resizing needs one leader all the same, and there are no group snapshots (csi-snapshotter v8.7.0).
 */
import { parse, stringify } from 'yaml';
import { NAMESPACE } from '../../cluster/berth.ts';
import type { KubernetesObject } from '../../deploy/chart.ts';

// biome-ignore lint/suspicious/noExplicitAny: as deep and various as Kubernetes is
type Any = any;

const ACCOUNT = 'berth-controller';
const CONTROLLER_ONLY = ['Deployment', 'PodDisruptionBudget', 'Service', 'NetworkPolicy'];
/** The node daemon's ServiceAccount has no rights. */
const NODE_NAME = { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } };

export function deployOnNodes(objects: readonly KubernetesObject[]): object[] {
  const controller = objects.find(({ kind }) => kind === 'Deployment')!;
  const sidecars = controller['spec'].template.spec.containers.filter(({ name }: Any) => name !== 'berth').map(onNode);
  const isHook = ({ metadata }: KubernetesObject): boolean => metadata.annotations?.['helm.sh/hook'] !== undefined;
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
  const kept = objects.filter((object) => !isHook(object) && !CONTROLLER_ONLY.includes(object.kind));
  return [namespace, ...kept.map((object) => change(object, sidecars))];
}

function change(object: KubernetesObject, sidecars: object[]): object {
  const changed: Any = structuredClone(object);
  if (changed.kind === 'ConfigMap') {
    const { fleet: _, ...config } = parse(changed.data['berth.yaml']);
    changed.data['berth.yaml'] = stringify(config);
  }
  if (changed.kind === 'DaemonSet') {
    const { spec } = changed.spec.template;
    const daemon = spec.containers[0];
    const kubelet = daemon.volumeMounts.find(({ name }: Any) => name === 'kubelet').mountPath;
    spec.serviceAccountName = ACCOUNT;
    spec.automountServiceAccountToken = true;
    const config = spec.volumes.find(({ name }: Any) => name === 'config');
    config.projected.sources = config.projected.sources.slice(0, 1);
    spec.volumes.push({
      name: 'csi',
      hostPath: { path: `${kubelet}/plugins/csi.berth.dev`, type: 'DirectoryOrCreate' },
    });
    spec.containers.push(...sidecars);
  }
  return changed;
}

/** The daemon's socket is root's. */
function onNode(container: Any): object {
  const leads = container.name === 'resizer';
  const args = container.args
    .filter((arg: string) => leads || !arg.startsWith('--leader-election'))
    .map((arg: string) => (arg.startsWith('--capacity-ownerref-level') ? '--capacity-ownerref-level=1' : arg));
  return {
    ...container,
    args: leads ? args : [...args, '--node-deployment=true'],
    env: [...(container.env ?? []), NODE_NAME],
    livenessProbe: undefined,
    securityContext: { runAsUser: 0 },
  };
}
