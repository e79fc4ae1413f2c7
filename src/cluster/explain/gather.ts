import type { V1PersistentVolumeClaim } from '@kubernetes/client-node';
import { DRIVER_NAME } from '../../csi/index.ts';
import { BerthError } from '../../errors.ts';
import { podProblem } from '../daemons.ts';
import type { Cluster } from '../index.ts';
import { createReader, type Reader } from '../reader.ts';
import { requestOne } from '../request.ts';
import { claimsOf, hasEnded } from '../volumes.ts';
import type { ClaimFacts, ClaimSource } from './facts.ts';

const SNAPSHOTS = { group: 'snapshot.storage.k8s.io', version: 'v1' };

/** Reads all that explains a claim. Rejects with CLAIM_NOT_FOUND or KUBE_REQUEST_FAILED; else tells what is unread. */
export async function gatherFacts(cluster: Cluster, namespace: string, name: string): Promise<ClaimFacts> {
  const { api, installation } = cluster;
  const { core, storage } = api;
  const claim = await requestOne('read the claim', core.readNamespacedPersistentVolumeClaim({ namespace, name }));
  if (claim === undefined) throw new BerthError('CLAIM_NOT_FOUND', { claim: `${namespace}/${name}` });
  const reader = createReader();
  const { read, unread } = reader;
  const volumeName = claim.spec?.volumeName;
  const [classes, volume, pods, events, drivers, csiNodes, nodes, capacities, quotas, daemons, source] =
    await Promise.all([
      read('the StorageClasses', storage.listStorageClass()),
      volumeName ? read('its PersistentVolume', core.readPersistentVolume({ name: volumeName })) : undefined,
      read(`the pods of ${namespace}`, core.listNamespacedPod({ namespace })),
      read(`the events of ${namespace}`, core.listNamespacedEvent({ namespace })),
      read('the CSIDrivers', storage.listCSIDriver()),
      read('the CSINodes', storage.listCSINode()),
      read('the nodes', core.listNode()),
      read('the CSIStorageCapacities', storage.listCSIStorageCapacityForAllNamespaces()),
      read(`the quotas of ${namespace}`, core.listNamespacedResourceQuota({ namespace })),
      cluster.askAll((client) => client.status()),
      readSource(cluster, reader, claim),
    ]);
  const users = pods?.items.filter((pod) => !hasEnded(pod) && claimsOf(pod).includes(`${namespace}/${name}`));
  const subjects = new Set([claim.metadata!.uid, ...(users ?? []).map(({ metadata }) => metadata!.uid)]);
  return {
    claim,
    classes: classes?.items,
    volume,
    pods: users,
    events: events?.items
      .filter(({ involvedObject }) => subjects.has(involvedObject.uid))
      .sort((a, b) => timeOf(b) - timeOf(a)),
    driverInstalled: drivers?.items.some(({ metadata }) => metadata?.name === DRIVER_NAME),
    csiNodes: csiNodes?.items,
    nodes: nodes?.items,
    capacities: capacities?.items,
    quotas: quotas?.items,
    daemons,
    controllers: installation.controllers.map((pod) => ({ name: pod.metadata!.name!, problem: podProblem(pod) })),
    source,
    unread,
  };
}

const timeOf = (event: { lastTimestamp?: Date; eventTime?: Date; metadata: { creationTimestamp?: Date } }): number =>
  Number(event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? 0);

async function readSource(
  cluster: Cluster,
  reader: Reader,
  { metadata, spec }: V1PersistentVolumeClaim,
): Promise<ClaimSource | undefined> {
  const { kind, name } = spec?.dataSource ?? spec?.dataSourceRef ?? {};
  const namespace = metadata!.namespace!;
  if (name === undefined) return undefined;
  if (kind === 'VolumeSnapshot') return readSnapshot(cluster, reader, namespace, name);
  if (kind === 'PersistentVolumeClaim') return readClaim(cluster, reader, namespace, name);
  return undefined; // another driver's populator
}

interface SnapshotObject {
  status?: { readyToUse?: boolean; boundVolumeSnapshotContentName?: string; error?: { message?: string } };
}

async function readSnapshot({ api }: Cluster, reader: Reader, namespace: string, name: string): Promise<ClaimSource> {
  const refused = reader.unread.length;
  const found = (await reader.read(
    `VolumeSnapshot ${name}`,
    api.objects.getNamespacedCustomObject({ ...SNAPSHOTS, namespace, plural: 'volumesnapshots', name }),
  )) as SnapshotObject | undefined;
  const source = { kind: 'VolumeSnapshot', name } as const;
  if (found === undefined) return { ...source, state: reader.unread.length > refused ? 'unread' : 'missing' };
  const { readyToUse, boundVolumeSnapshotContentName: content, error } = found.status ?? {};
  if (!readyToUse || content === undefined) return { ...source, state: 'pending', message: error?.message };
  const bound = (await reader.read(
    `VolumeSnapshotContent ${content}`,
    api.objects.getClusterCustomObject({ ...SNAPSHOTS, plural: 'volumesnapshotcontents', name: content }),
  )) as { status?: { snapshotHandle?: string } } | undefined;
  return { ...source, state: 'ready', handle: bound?.status?.snapshotHandle };
}

async function readClaim({ api }: Cluster, reader: Reader, namespace: string, name: string): Promise<ClaimSource> {
  const refused = reader.unread.length;
  const found = await reader.read(`claim ${name}`, api.core.readNamespacedPersistentVolumeClaim({ namespace, name }));
  const source = { kind: 'PersistentVolumeClaim', name } as const;
  if (found === undefined) return { ...source, state: reader.unread.length > refused ? 'unread' : 'missing' };
  if (found.status?.phase !== 'Bound') return { ...source, state: 'pending', message: `it is ${found.status?.phase}` };
  const volume = await reader.read(
    'its PersistentVolume',
    api.core.readPersistentVolume({ name: found.spec!.volumeName! }),
  );
  return { ...source, state: 'ready', handle: volume?.spec?.csi?.volumeHandle };
}
