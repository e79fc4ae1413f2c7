import type { Snapshot, Usage, Volume } from '../../volumes/model.ts';

/**
 * Between the model and the messages of admin.proto, where 64-bit integers are decimal strings and what is absent is
 * empty. A decoder takes what its encoder makes.
 */
export type VolumeMessage = ReturnType<typeof encodeVolume>;
export type SnapshotMessage = ReturnType<typeof encodeSnapshot>;
export type UsageMessage = ReturnType<typeof encodeUsage>;

export function encodeVolume(volume: Volume) {
  return {
    id: volume.id,
    name: volume.name,
    pool_id: volume.poolId,
    pool: volume.poolName,
    class: volume.poolClass,
    backend: volume.backend as string,
    shared: volume.shared,
    state: volume.state as string,
    size_bytes: String(volume.sizeBytes),
    content: volume.content as string,
    thin: volume.parameters.thin,
    nodatacow: volume.parameters.nodatacow,
    io_limits: mapValues(volume.ioLimits, String),
    source: volume.source ?? null,
    created_at_ms: String(volume.createdAt),
    mounts: volume.mounts.map(({ path, readOnly }) => ({ path, read_only: readOnly })),
    device: volume.device ?? '',
  };
}

export function decodeVolume(message: VolumeMessage): Volume {
  return {
    id: message.id,
    name: message.name,
    poolId: message.pool_id,
    poolName: message.pool,
    poolClass: message.class,
    backend: message.backend as Volume['backend'],
    shared: message.shared,
    state: message.state as Volume['state'],
    sizeBytes: BigInt(message.size_bytes),
    content: message.content as Volume['content'],
    parameters: { poolClass: message.class, thin: message.thin, nodatacow: message.nodatacow },
    ioLimits: mapValues(message.io_limits, Number),
    source: message.source ?? undefined,
    createdAt: Number(message.created_at_ms),
    mounts: message.mounts.map(({ path, read_only }) => ({ path, readOnly: read_only })),
    device: message.device || undefined,
  };
}

const mapValues = <From, To>(record: Record<string, From>, change: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

export function encodeSnapshot(snapshot: Snapshot) {
  return {
    id: snapshot.id,
    name: snapshot.name,
    source_volume_id: snapshot.sourceVolumeId,
    size_bytes: String(snapshot.sizeBytes),
    created_at_ms: String(snapshot.createdAt),
    ready: snapshot.ready,
    group_id: snapshot.groupId ?? '',
  };
}

export function decodeSnapshot(message: SnapshotMessage): Snapshot {
  return {
    id: message.id,
    name: message.name,
    sourceVolumeId: message.source_volume_id,
    sizeBytes: BigInt(message.size_bytes),
    createdAt: Number(message.created_at_ms),
    ready: message.ready,
    groupId: message.group_id || undefined,
  };
}

export function encodeUsage(usage: Usage['bytes']) {
  return { total: String(usage.total), used: String(usage.used), available: String(usage.available) };
}

export function decodeUsage(message: UsageMessage): Usage['bytes'] {
  return { total: BigInt(message.total), used: BigInt(message.used), available: BigInt(message.available) };
}
