import type { V1Node } from '@kubernetes/client-node';
import type { NodeStatus } from '../admin/client.ts';
import { DRIVER_NAME } from '../csi/index.ts';
import type { Answer, Problem } from './ask.ts';
import { podProblem } from './daemons.ts';
import type { Cluster } from './index.ts';
import { createReader } from './reader.ts';
import { STARTUP_TAINT } from './startup-taint.ts';
import { nodeOf } from './volumes.ts';

/** A node of the cluster that has a daemon of Berth, or data of Berth. */
export interface ClusterNode {
  node: string;
  /** The daemon's pod; undefined when there is none. */
  pod?: string | undefined;
  /** What the daemon says; undefined when it says nothing, for which `problem` has the reason. */
  status?: NodeStatus | undefined;
  problem?: Problem | undefined;
  /** What the cluster says of the node; undefined when it could not be read. */
  place?: { exists: boolean; ready: boolean; cordoned: boolean; startupTaint: boolean } | undefined;
}

export interface ClusterNodes {
  nodes: ClusterNode[];
  controllers: { name: string; problem?: string | undefined }[];
  unread: string[];
}

export async function listNodes({ api, installation, askAll }: Cluster): Promise<ClusterNodes> {
  const { read, unread } = createReader();
  const [answers, nodes, volumes] = await Promise.all([
    askAll((client) => client.status()),
    read('the nodes', api.core.listNode()),
    read('the PersistentVolumes', api.core.listPersistentVolume()),
  ]);
  const holders = (volumes?.items ?? []).flatMap((pv) =>
    pv.spec?.csi?.driver === DRIVER_NAME ? [nodeOf(pv)].filter((node) => node !== undefined) : [],
  );
  const pods = new Map(installation.daemons.map(({ node, name }) => [node, name]));
  return {
    nodes: joinNodes(answers, pods, holders, nodes?.items),
    controllers: installation.controllers.map((pod) => ({ name: pod.metadata!.name!, problem: podProblem(pod) })),
    unread,
  };
}

/** `holders` are the nodes that PersistentVolumes name. */
export function joinNodes(
  answers: readonly Answer<NodeStatus>[],
  pods: ReadonlyMap<string, string>,
  holders: readonly string[],
  nodes: readonly V1Node[] | undefined,
): ClusterNode[] {
  const places = new Map(nodes?.map((node) => [node.metadata!.name!, node]));
  const placeOf = (name: string): ClusterNode['place'] => nodes && toPlace(places.get(name));
  const answered = answers.map(
    (answer): ClusterNode => ({
      node: answer.node,
      pod: pods.get(answer.node),
      place: placeOf(answer.node),
      ...('error' in answer ? { problem: answer.error } : { status: answer.value }),
    }),
  );
  const asked = new Set(answers.map(({ node }) => node));
  const silent = [...new Set(holders)].filter((node) => !asked.has(node));
  const problem = { code: 'NODE_UNKNOWN', message: 'volumes are on it, and it has no daemon' };
  return [...answered, ...silent.map((node): ClusterNode => ({ node, place: placeOf(node), problem }))];
}

const toPlace = (node: V1Node | undefined): ClusterNode['place'] => ({
  exists: node !== undefined,
  ready: node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
  cordoned: node?.spec?.unschedulable ?? false,
  startupTaint: node?.spec?.taints?.some(({ key }) => key === STARTUP_TAINT) ?? false,
});
