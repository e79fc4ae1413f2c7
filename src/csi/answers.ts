import type * as model from '../volumes/model.ts';
import { toShareContext } from './share.ts';
import type {
  Snapshot,
  Timestamp,
  Topology,
  TopologyRequirement,
  Volume,
  VolumeContentSource,
  VolumeGroupSnapshot,
} from './types.ts';

/**
 * Berth's words in CSI's. A volume is reachable from its node alone, which is at `topology`, unless it is shared. `where` is what
 * CreateVolume was asked for.
 */
export function toVolume(given: model.Volume, topology: Topology, where: TopologyRequirement | null = null): Volume {
  return {
    capacity_bytes: String(given.sizeBytes),
    volume_id: given.id,
    ...(given.share === undefined
      ? { accessible_topology: [topology] }
      : { accessible_topology: [], volume_context: toShareContext(given.share, where) }),
    ...(given.source === undefined ? {} : { content_source: toContentSource(given.source) }),
  };
}

export function toSnapshot(given: model.Snapshot): Snapshot {
  return {
    size_bytes: String(given.sizeBytes),
    snapshot_id: given.id,
    source_volume_id: given.sourceVolumeId,
    creation_time: toTimestamp(given.createdAt),
    ready_to_use: given.ready,
    group_snapshot_id: given.groupId ?? '',
  };
}

export function toGroup(given: model.GroupSnapshot): VolumeGroupSnapshot {
  return {
    group_snapshot_id: given.id,
    snapshots: given.snapshots.map(toSnapshot),
    creation_time: toTimestamp(given.createdAt),
    ready_to_use: given.ready,
  };
}

function toContentSource(source: model.ContentSource): VolumeContentSource {
  return source.kind === 'snapshot' ? { snapshot: { snapshot_id: source.id } } : { volume: { volume_id: source.id } };
}

function toTimestamp(timeMs: number): Timestamp {
  const seconds = Math.floor(timeMs / 1000);
  return { seconds: String(seconds), nanos: Math.round((timeMs - seconds * 1000) * 1e6) };
}
