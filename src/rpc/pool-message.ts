import type { PoolStatus } from '../volumes/model.ts';

/** berth.v1.Pool as proto-loader gives and takes it. */
export type PoolMessage = ReturnType<typeof encodePool>;

export function encodePool(pool: PoolStatus) {
  return {
    id: pool.id ?? '',
    name: pool.name,
    class: pool.class,
    backend: pool.backend as string,
    state: pool.state as string,
    reason: pool.reason ?? '',
    storage: pool.storage,
    total_bytes: String(pool.totalBytes),
    available_bytes: String(pool.availableBytes),
    provisioned_bytes: String(pool.provisionedBytes),
    reserve_bytes: String(pool.reserveBytes),
    free_bytes: String(pool.freeBytes),
    volumes: pool.volumes,
    snapshots: pool.snapshots,
    limits_enforced: pool.limitsEnforced,
    snapshot_kind: pool.snapshotKind as string,
    block_volumes: pool.blockVolumes,
    filesystems: pool.filesystems as string[],
  };
}

export function decodePool(message: PoolMessage): PoolStatus {
  return {
    id: message.id || undefined,
    name: message.name,
    class: message.class,
    backend: message.backend as PoolStatus['backend'],
    state: message.state as PoolStatus['state'],
    reason: message.reason || undefined,
    storage: message.storage,
    totalBytes: BigInt(message.total_bytes),
    availableBytes: BigInt(message.available_bytes),
    provisionedBytes: BigInt(message.provisioned_bytes),
    reserveBytes: BigInt(message.reserve_bytes),
    freeBytes: BigInt(message.free_bytes),
    volumes: message.volumes,
    snapshots: message.snapshots,
    limitsEnforced: message.limits_enforced,
    snapshotKind: message.snapshot_kind as PoolStatus['snapshotKind'],
    blockVolumes: message.block_volumes,
    filesystems: message.filesystems as PoolStatus['filesystems'],
  };
}
