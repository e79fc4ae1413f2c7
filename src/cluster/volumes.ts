import type { V1PersistentVolume, V1Pod } from '@kubernetes/client-node';
import type { AdminClient } from '../admin/client.ts';
import { DRIVER_NAME } from '../csi/index.ts';
import { NODE_KEY } from '../csi/topology.ts';
import { mapBounded } from '../map-bounded.ts';
import type { HealthProblem, Usage, Volume } from '../volumes/model.ts';
import type { Answer } from './ask.ts';
import type { Cluster } from './index.ts';
import { createReader } from './reader.ts';

/** A volume as its node tells of it. */
export interface CheckedVolume {
  volume: Volume;
  /** Undefined when it could not be found out. */
  usage?: Usage | undefined;
  problems: HealthProblem[];
}

/** A volume with what the cluster knows of it; either side may be missing. */
export interface ClusterVolume extends Partial<CheckedVolume> {
  /** Undefined when nobody says where it is. */
  node?: string | undefined;
  /** The name of the PersistentVolume. */
  pv?: string | undefined;
  /** `namespace/name` */
  claim?: string | undefined;
  /** `namespace/name` of those that use the claim and have not ended. */
  pods: string[];
  /** What is unusual about it, in plain words. */
  note?: string | undefined;
}

const CHECKS_AT_ONCE = 8;

export interface ClusterVolumes {
  volumes: ClusterVolume[];
  answers: Answer<CheckedVolume[]>[];
  unread: string[];
}

/** Every volume of every node, and every PersistentVolume of Berth. */
export async function listVolumes({ api, askAll }: Cluster): Promise<ClusterVolumes> {
  const { read, unread } = createReader();
  const [answers, volumes, pods] = await Promise.all([
    askAll(checkVolumes),
    read('the PersistentVolumes', api.core.listPersistentVolume()),
    read('the pods of all namespaces', api.core.listPodForAllNamespaces()),
  ]);
  const pvs = volumes?.items.filter(({ spec }) => spec?.csi?.driver === DRIVER_NAME);
  return { volumes: joinVolumes(answers, pvs, pods?.items ?? []), answers, unread };
}

async function checkVolumes(client: AdminClient): Promise<CheckedVolume[]> {
  return mapBounded(await client.listVolumes(), CHECKS_AT_ONCE, (volume) =>
    client.checkVolume(volume.id).catch((error: Error) => ({
      volume,
      problems: [{ status: 'UNKNOWN' as const, reason: 'NotChecked', message: error.message }],
    })),
  );
}

/**
 * The volume that a PersistentVolume's name or handle or its claim, `namespace/name`, means. Undefined when none does, or
 * they may not be read.
 */
export async function findPersistentVolume(
  { api }: Cluster,
  name: string,
): Promise<{ node: string; id: string } | undefined> {
  const list = await createReader().read('the PersistentVolumes', api.core.listPersistentVolume());
  for (const pv of list?.items ?? []) {
    const { driver, volumeHandle: id } = pv.spec?.csi ?? {};
    const node = nodeOf(pv);
    if (driver !== DRIVER_NAME || id === undefined || node === undefined) continue;
    if ([pv.metadata?.name, id, claimOf(pv)].includes(name)) return { node, id };
  }
  return undefined;
}

/** The node that holds a PersistentVolume's data, as its affinity says. */
export function nodeOf({ spec }: V1PersistentVolume): string | undefined {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchExpressions = [] }) => matchExpressions).find(({ key }) => key === NODE_KEY)
    ?.values?.[0];
}

export const claimOf = ({ spec }: V1PersistentVolume): string | undefined =>
  spec?.claimRef && `${spec.claimRef.namespace}/${spec.claimRef.name}`;

/** `namespace/name` of the claims that a pod mounts; those of generic ephemeral volumes are named after it. */
export function claimsOf({ metadata, spec }: V1Pod): string[] {
  return (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral && `${metadata?.name}-${name}`);
    return claim === undefined ? [] : [`${metadata?.namespace}/${claim}`];
  });
}

export const hasEnded = ({ status }: V1Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** `pvs` is undefined when they could not be read: then nothing is said to be without one. */
export function joinVolumes(
  answers: readonly Answer<readonly CheckedVolume[]>[],
  pvs: readonly V1PersistentVolume[] | undefined,
  pods: readonly V1Pod[],
): ClusterVolume[] {
  const users = new Map<string, string[]>();
  for (const pod of pods.filter((one) => !hasEnded(one))) {
    for (const claim of claimsOf(pod)) {
      users.set(claim, [...(users.get(claim) ?? []), `${pod.metadata?.namespace}/${pod.metadata?.name}`]);
    }
  }
  const byHandle = new Map(pvs?.map((pv) => [pv.spec!.csi!.volumeHandle, pv]));
  const silent = new Set(answers.flatMap((answer) => ('error' in answer ? [answer.node] : [])));
  const asked = new Set(answers.map(({ node }) => node));

  const found = answers.flatMap((answer) =>
    'error' in answer
      ? []
      : answer.value.map((checked): ClusterVolume => {
          const pv = byHandle.get(checked.volume.id);
          byHandle.delete(checked.volume.id);
          const note = pv === undefined ? pvs && strayNote(checked.volume) : phaseNote(pv);
          return { node: answer.node, ...checked, ...sideOf(pv, users), note };
        }),
  );
  const unseen = [...byHandle.values()].map((pv): ClusterVolume => {
    const node = nodeOf(pv);
    return { node, ...sideOf(pv, users), note: missingNote(node, asked, silent) };
  });
  return [...found, ...unseen];
}

function sideOf(pv: V1PersistentVolume | undefined, users: Map<string, string[]>) {
  const claim = pv && claimOf(pv);
  return { pv: pv?.metadata?.name, claim, pods: (claim && users.get(claim)) || [] };
}

const strayNote = ({ name }: Volume): string =>
  name.startsWith('inline volume ')
    ? 'inline volume of a pod'
    : 'orphan: no PersistentVolume has it; made by command, or left behind';

function phaseNote({ status, metadata }: V1PersistentVolume): string | undefined {
  if (metadata?.deletionTimestamp) return 'is being deleted';
  if (status?.phase === 'Released') return 'retained: its claim is gone';
  if (status?.phase === 'Failed') return `could not be deleted: ${status.message ?? ''}`;
  return undefined;
}

function missingNote(node: string | undefined, asked: ReadonlySet<string>, silent: ReadonlySet<string>): string {
  if (node === undefined) return 'lost: no node has it';
  if (silent.has(node)) return 'unknown: its node does not answer';
  if (!asked.has(node)) return 'away: its node has no daemon';
  return 'lost: its node does not have it';
}
