import type {
  CoreV1Event,
  V1CSINode,
  V1CSIStorageCapacity,
  V1Node,
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1Pod,
  V1ResourceQuota,
  V1StorageClass,
} from '@kubernetes/client-node';
import type { NodeStatus } from '../../admin/client.ts';
import { parseQuantity } from '../../config/quantity.ts';
import { DRIVER_NAME } from '../../csi/index.ts';
import type { Answer } from '../ask.ts';

/** All that is looked at to explain a claim. What could not be read is undefined, and named in `unread`. */
export interface ClaimFacts {
  claim: V1PersistentVolumeClaim;
  classes: readonly V1StorageClass[] | undefined;
  /** The one that the claim names. */
  volume: V1PersistentVolume | undefined;
  /** Pods that use the claim and have not ended. */
  pods: readonly V1Pod[] | undefined;
  /** Of the claim and of these pods, latest first. */
  events: readonly CoreV1Event[] | undefined;
  driverInstalled: boolean | undefined;
  csiNodes: readonly V1CSINode[] | undefined;
  nodes: readonly V1Node[] | undefined;
  capacities: readonly V1CSIStorageCapacity[] | undefined;
  quotas: readonly V1ResourceQuota[] | undefined;
  daemons: readonly Answer<NodeStatus>[];
  /** By pod, with why one does not run. */
  controllers: readonly { name: string; problem?: string | undefined }[];
  /** What the claim is to be filled from. */
  source: ClaimSource | undefined;
  unread: readonly string[];
}

export interface ClaimSource {
  kind: 'VolumeSnapshot' | 'PersistentVolumeClaim';
  name: string;
  /** `unread` when nobody may say. */
  state: 'ready' | 'pending' | 'missing' | 'unread';
  /** What the cluster says of one that is not ready. */
  message?: string | undefined;
  /** `POOL.UUID` of what holds the data. */
  handle?: string | undefined;
}

/** One thing that was found, the reason first. */
export interface Finding {
  /** Stable, for scripts. */
  code: string;
  /** In plain words, a sentence without its stop. */
  cause: string;
  advice: string[];
  evidence: string[];
}

export type Check = (facts: ClaimFacts) => Finding | undefined;

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';

export const nameOf = ({ claim }: ClaimFacts): string => `${claim.metadata!.namespace}/${claim.metadata!.name}`;
export const phaseOf = ({ claim }: ClaimFacts): string => claim.status?.phase ?? 'Pending';

export const classOf = ({ claim, classes }: ClaimFacts): V1StorageClass | undefined =>
  classes?.find(({ metadata }) => metadata?.name === claim.spec?.storageClassName);

export const defaultClasses = ({ classes }: ClaimFacts): V1StorageClass[] | undefined =>
  classes?.filter(({ metadata }) => metadata?.annotations?.[DEFAULT_CLASS] === 'true');

/** The claim's class, when it is one of Berth. */
export function berthClassOf(facts: ClaimFacts): V1StorageClass | undefined {
  const found = classOf(facts);
  return found?.provisioner === DRIVER_NAME ? found : undefined;
}

/** Undefined for what is no quantity that Berth reads. */
export const wantedBytes = ({ claim }: ClaimFacts): bigint | undefined =>
  parseQuantity(String(claim.spec?.resources?.requests?.['storage'] ?? ''));

export const waitsForPod = (facts: ClaimFacts): boolean => classOf(facts)?.volumeBindingMode === 'WaitForFirstConsumer';

/** The node that the scheduler has chosen for the claim. */
export const selectedNode = ({ claim }: ClaimFacts): string | undefined => claim.metadata?.annotations?.[SELECTED_NODE];

export const podName = ({ metadata }: { metadata?: { name?: string } }): string => metadata?.name ?? '?';
