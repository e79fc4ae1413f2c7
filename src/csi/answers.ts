import type * as model from '../volumes/model.ts';
import type { Snapshot, Timestamp, Topology, Volume, VolumeContentSource, VolumeGroupSnapshot } from './types.ts';

/** Turns Berth's words into CSI's. Everything of this node is reachable from this node alone. */
export interface Answers {
  volume(volume: model.Volume): Volume;
  snapshot(snapshot: model.Snapshot): Snapshot;
  group(group: model.GroupSnapshot): VolumeGroupSnapshot;
}

export function createAnswers(topology: Topology): Answers {
  const accessible_topology = [topology];

  const snapshot = (given: model.Snapshot): Snapshot => ({
    size_bytes: String(given.sizeBytes),
    snapshot_id: given.id,
    source_volume_id: given.sourceVolumeId,
    creation_time: toTimestamp(given.createdAt),
    ready_to_use: given.ready,
    group_snapshot_id: given.groupId ?? '',
    accessible_topology,
  });

  return {
    volume: (given) => ({
      capacity_bytes: String(given.sizeBytes),
      volume_id: given.id,
      accessible_topology,
      ...(given.source === undefined ? {} : { content_source: toContentSource(given.source) }),
    }),
    snapshot,
    group: (given) => ({
      group_snapshot_id: given.id,
      snapshots: given.snapshots.map(snapshot),
      creation_time: toTimestamp(given.createdAt),
      ready_to_use: given.ready,
    }),
  };
}

function toContentSource(source: model.ContentSource): VolumeContentSource {
  return source.kind === 'snapshot' ? { snapshot: { snapshot_id: source.id } } : { volume: { volume_id: source.id } };
}

function toTimestamp(timeMs: number): Timestamp {
  const seconds = Math.floor(timeMs / 1000);
  return { seconds: String(seconds), nanos: Math.round((timeMs - seconds * 1000) * 1e6) };
}
