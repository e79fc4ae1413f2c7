import type { DiskExplanation, NodeStatus, VolumeCheck } from '../../admin/client.ts';
import type { DiskView } from '../../admin/wire/disks.ts';
import { toDiskJson } from '../../disks/json.ts';
import type { Job, PoolStatus, Snapshot, Usage, Volume } from '../../volumes/model.ts';

/**
 * What `--json` prints. Names and meanings are stable, docs/reference/cli.md describes them: bytes are numbers, times
 * are ISO 8601 in UTC, every key is always there, and what is not known is null.
 */
export const formatJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

const time = (ms: number): string => new Date(ms).toISOString();

export const volumeJson = (volume: Volume) => ({
  id: volume.id,
  name: volume.name,
  pool: volume.poolName,
  poolId: volume.poolId,
  class: volume.poolClass,
  backend: volume.backend,
  state: volume.state,
  sizeBytes: Number(volume.sizeBytes),
  content: volume.content,
  thin: volume.parameters.thin,
  nodatacow: volume.parameters.nodatacow,
  source: volume.source ?? null,
  createdAt: time(volume.createdAt),
  mounts: volume.mounts,
  device: volume.device ?? null,
});

export const snapshotJson = (snapshot: Snapshot) => ({
  id: snapshot.id,
  name: snapshot.name,
  sourceVolumeId: snapshot.sourceVolumeId,
  sizeBytes: Number(snapshot.sizeBytes),
  createdAt: time(snapshot.createdAt),
  ready: snapshot.ready,
  groupId: snapshot.groupId ?? null,
});

export const poolJson = (pool: PoolStatus) => ({
  id: pool.id ?? null,
  name: pool.name,
  class: pool.class,
  backend: pool.backend,
  state: pool.state,
  reason: pool.reason ?? null,
  storage: pool.storage,
  totalBytes: Number(pool.totalBytes),
  availableBytes: Number(pool.availableBytes),
  provisionedBytes: Number(pool.provisionedBytes),
  reserveBytes: Number(pool.reserveBytes),
  freeBytes: Number(pool.freeBytes),
  volumes: pool.volumes,
  snapshots: pool.snapshots,
  limitsEnforced: pool.limitsEnforced,
  snapshotKind: pool.snapshotKind,
  blockVolumes: pool.blockVolumes,
  filesystems: pool.filesystems,
});

export const jobJson = (job: Job) => ({
  id: job.id,
  pool: job.poolName,
  kind: job.kind,
  subject: job.subject,
  state: job.state,
  doneBytes: Number(job.doneBytes),
  totalBytes: Number(job.totalBytes),
  startedAt: time(job.startedAt),
  endedAt: job.endedAt === undefined ? null : time(job.endedAt),
  error: job.error ?? null,
});

export const statusJson = (status: NodeStatus) => ({
  version: status.version,
  mode: status.mode,
  node: status.node,
  zone: status.zone || null,
  region: status.region || null,
  startedAt: time(status.startedAt),
  csiSocket: status.csi_socket,
  httpListen: status.http_listen || null,
  ready: status.ready,
  problems: status.problems,
  runningJobs: status.running_jobs,
  pools: status.pools.map(poolJson),
});

/** Of a raw block volume, and of an image that is not mounted, only the total is known. */
export const isKnown = (usage: Usage['bytes']): boolean => usage.used > 0n || usage.available > 0n;

export const usageJson = (usage: Usage['bytes']) => ({
  total: Number(usage.total),
  used: isKnown(usage) ? Number(usage.used) : null,
  available: isKnown(usage) ? Number(usage.available) : null,
});

export const checkJson = ({ volume, usage, problems }: VolumeCheck) => ({
  volume: volumeJson(volume),
  bytes: usageJson(usage.bytes),
  inodes: usage.inodes === undefined ? null : usageJson(usage.inodes),
  problems,
});

export const diskJson = (disk: DiskView) => toDiskJson(disk);

export const explanationJson = ({ disk, facts }: DiskExplanation) => ({
  ...diskJson(disk),
  facts: {
    interface: facts.interface ?? null,
    firmware: facts.firmware ?? null,
    temperatureCelsius: facts.temperatureCelsius ?? null,
    health: facts.health ?? null,
  },
});
