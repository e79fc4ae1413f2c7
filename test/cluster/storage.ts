import { until } from '../helpers/until.ts';
import type { Installation } from './berth.ts';
import type { Kubectl, KubeObject } from './kubectl.ts';

const BIND_LIMIT_MS = 120_000;
const RESIZE_LIMIT_MS = 90_000;
const CAPACITY_LIMIT_MS = 60_000;

export interface ClaimOptions {
  storageClass: string;
  /** As Kubernetes writes it: 64Mi. */
  size: string;
  dataSource?: object;
  volumeMode?: 'Filesystem' | 'Block';
  /** ReadWriteOnce by default. */
  accessModes?: readonly string[];
}

export interface Claim extends KubeObject {
  status: { phase: string; capacity?: { storage: string } };
}

const claimSpec = ({ storageClass, size, ...more }: ClaimOptions): object => ({
  storageClassName: storageClass,
  accessModes: ['ReadWriteOnce'],
  resources: { requests: { storage: size } },
  ...more,
});

export const claimOf = (name: string, options: ClaimOptions): object => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: claimSpec(options),
});

/** A StatefulSet's persistentVolumeClaimRetentionPolicy. */
export interface Retention {
  whenDeleted: 'Retain' | 'Delete';
  whenScaled: 'Retain' | 'Delete';
}

export interface StatefulSetOptions {
  replicas: number;
  container: object;
  /** Mounted at `path`. */
  claims: readonly (ClaimOptions & { name: string; path: string })[];
  /** By default the claims go with the set, and with its replicas. */
  retention?: Retention;
}

/** Replicas labelled `app: NAME`, made at once, spread evenly over the nodes. */
export function statefulSetOf(
  name: string,
  { replicas, container, claims, retention = { whenDeleted: 'Delete', whenScaled: 'Delete' } }: StatefulSetOptions,
): object {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name },
    spec: {
      replicas,
      serviceName: name,
      podManagementPolicy: 'Parallel',
      persistentVolumeClaimRetentionPolicy: retention,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 1,
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'DoNotSchedule',
              labelSelector: { matchLabels: labels },
            },
          ],
          containers: [
            { ...container, volumeMounts: claims.map((claim) => ({ name: claim.name, mountPath: claim.path })) },
          ],
        },
      },
      volumeClaimTemplates: claims.map(({ name, path: _, ...options }) => ({
        metadata: { name },
        spec: claimSpec(options),
      })),
    },
  };
}

/** Waits until the claim has been expanded to `size`, on its node too. */
export async function waitForSize(kubectl: Kubectl, claim: string, size: string): Promise<void> {
  let shown: string | undefined;
  await until(
    () => `${claim} has ${size}; it has ${shown}`,
    async () => {
      shown = (await kubectl.get<Claim>('pvc', claim)).status.capacity?.storage;
      return shown === size;
    },
    RESIZE_LIMIT_MS,
  );
}

/** Waits until the provisioner has told `count` capacities above zero: one for each class and node that has such a pool. */
export async function capacityIsKnown(kubectl: Kubectl, count: number): Promise<void> {
  let found: string[] = [];
  await until(
    () => `there are ${count} capacities: ${found.join(', ')}`,
    async () => {
      const all = await kubectl.list<{ storageClassName: string; capacity?: string }>('csistoragecapacities', '-A');
      found = all.map(({ storageClassName, capacity = '0' }) => `${storageClassName} ${capacity}`);
      return all.filter(({ capacity = '0' }) => capacity !== '0').length === count;
    },
    CAPACITY_LIMIT_MS,
  );
}

/** Waits until `count` claims whose names begin so are bound. */
export async function allBound(kubectl: Kubectl, prefix: string, count: number): Promise<void> {
  let bound = 0;
  await until(
    () => `${count} claims ${prefix}… are bound; ${bound} are`,
    async () => {
      const claims = await kubectl.list<Claim>('pvc');
      bound = claims.filter(
        ({ metadata, status }) => metadata.name.startsWith(prefix) && status.phase === 'Bound',
      ).length;
      return bound === count;
    },
    BIND_LIMIT_MS,
  );
}

/**
 * Waits until the volumes that the nodes have are those of the cluster's PersistentVolumes, each once; `count` of them,
 * where it is given.
 */
export async function noneIsLost(
  kubectl: Kubectl,
  nodes: readonly string[],
  berth: Installation,
  count?: number,
): Promise<void> {
  let told = '';
  await until(
    () => told,
    async () => {
      const volumes = await kubectl.list<{ spec: { csi: { volumeHandle: string } } }>('pv');
      const known = volumes.map(({ spec }) => spec.csi.volumeHandle).toSorted();
      const listed = await Promise.all(nodes.map((name) => berth.berth<{ id: string }[]>(name, 'volume', 'list')));
      const found = listed
        .flat()
        .map(({ id }) => id)
        .toSorted();
      told = `the nodes have ${found.length} volumes, the cluster knows ${known.length}`;
      return found.join() === known.join() && (count === undefined || found.length === count);
    },
    BIND_LIMIT_MS,
  );
}
