import { until } from '../helpers/until.ts';
import type { Kubectl, KubeObject } from './kubectl.ts';

export const BUSYBOX = 'docker.io/library/busybox:local';
const READY_LIMIT_MS = 120_000;

export interface Pod extends KubeObject {
  spec: { nodeName?: string };
  status: {
    phase: string;
    podIP?: string;
    conditions?: { type: string; status: string; message?: string }[];
    containerStatuses?: { restartCount: number; containerID: string }[];
  };
}

/** A container of busybox that runs a script. */
export const shell = (script: string, more: object = {}): object => ({
  name: 'main',
  image: BUSYBOX,
  imagePullPolicy: 'IfNotPresent',
  command: ['sh', '-c', script],
  ...more,
});

/** A pod of one container. With a grace period of 0 its deletion would not wait for the kubelet. */
export const podOf = (name: string, container: object, spec: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: name } },
  spec: { terminationGracePeriodSeconds: 1, containers: [container], ...spec },
});

export const isReady = ({ status }: Pod): boolean =>
  status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

/** Waits until there are `count` pods of the label, all Ready, and returns them in the order of their names. */
export async function readyPods(kubectl: Kubectl, label: string, count: number): Promise<Pod[]> {
  let pods: Pod[] = [];
  await until(
    () => `${count} pods of ${label} are Ready: ${pods.map(tellPod).join('; ') || 'there are none'}`,
    async () => {
      pods = await kubectl.list<Pod>('pods', '-l', label, '--sort-by=.metadata.name');
      return pods.length === count && pods.every(isReady);
    },
    READY_LIMIT_MS,
  );
  return pods;
}

function tellPod({ metadata, spec, status }: Pod): string {
  const reasons = status.conditions?.flatMap(({ status, message }) => (status === 'True' || !message ? [] : [message]));
  return `${metadata.name} on ${spec.nodeName ?? 'no node'} is ${status.phase} (${reasons?.join(', ') ?? ''})`;
}
