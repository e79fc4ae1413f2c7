import type { ClusterNode, ClusterNodes, ClusterVolume } from '../../cluster/index.ts';
import { statusJson, usageJson, volumeJson } from './json.ts';

/** What `--kube --json` prints, in the manner of json.ts. */
export const clusterVolumeJson = (row: ClusterVolume) => ({
  node: row.node ?? null,
  volume: row.volume === undefined ? null : volumeJson(row.volume),
  bytes: row.usage === undefined ? null : usageJson(row.usage.bytes),
  inodes: row.usage?.inodes === undefined ? null : usageJson(row.usage.inodes),
  problems: row.problems ?? null,
  persistentVolume: row.pv ?? null,
  claim: row.claim ?? null,
  pods: row.pods,
  note: row.note ?? null,
});

export const clusterNodeJson = (row: ClusterNode) => ({
  node: row.node,
  pod: row.pod ?? null,
  exists: row.place?.exists ?? null,
  nodeReady: row.place?.ready ?? null,
  cordoned: row.place?.cordoned ?? null,
  startupTaint: row.place?.startupTaint ?? null,
  error: row.problem === undefined ? null : { code: row.problem.code, message: row.problem.message },
  status: row.status === undefined ? null : statusJson(row.status),
});

export const clusterJson = (namespace: string, { nodes, controllers }: ClusterNodes) => ({
  namespace,
  controllers: controllers.map(({ name, problem }) => ({ name, problem: problem ?? null })),
  nodes: nodes.map(clusterNodeJson),
});
