/**
 * The messages of proto/csi/v1/csi.proto as proto-loader gives and takes them (src/rpc/proto.ts): 64-bit integers are
 * decimal strings, absent messages are null, absent scalars have their default, an enum value that the proto does not
 * name is a number. Requests show the fields that Berth reads.
 */
export type Int64 = string;
export type StringMap = Record<string, string>;

export interface Topology {
  segments: StringMap;
}

export interface TopologyRequirement {
  requisite: Topology[];
  preferred: Topology[];
}

export interface VolumeCapability {
  /** Which of `block` and `mount` is set. */
  access_type?: 'block' | 'mount';
  block?: object | null;
  mount?: { fs_type: string; mount_flags: string[]; volume_mount_group: string } | null;
  access_mode: { mode: string | number } | null;
}

export interface CapacityRange {
  required_bytes: Int64;
  limit_bytes: Int64;
}

export interface VolumeContentSource {
  /** Which of `snapshot` and `volume` is set. */
  type?: 'snapshot' | 'volume';
  snapshot?: { snapshot_id: string } | null;
  volume?: { volume_id: string } | null;
}

export interface Volume {
  capacity_bytes: Int64;
  volume_id: string;
  content_source?: VolumeContentSource;
  volume_context?: StringMap;
  accessible_topology: Topology[];
}

export interface Snapshot {
  size_bytes: Int64;
  snapshot_id: string;
  source_volume_id: string;
  creation_time: Timestamp;
  ready_to_use: boolean;
  group_snapshot_id: string;
}

export interface VolumeGroupSnapshot {
  group_snapshot_id: string;
  snapshots: Snapshot[];
  creation_time: Timestamp;
  ready_to_use: boolean;
}

export interface Timestamp {
  seconds: Int64;
  nanos: number;
}

export interface VolumeHealthEntry {
  status: 'UNKNOWN_VOLUME_HEALTH_TYPE' | 'DEGRADED' | 'INACCESSIBLE' | 'DATA_LOSS';
  reason: string;
  message: string;
}

export interface VolumeHealth {
  volume_id: string;
  health_statuses: VolumeHealthEntry[];
}

export interface StorageBackendHealth {
  status: 'UNKNOWN_STORAGE_HEALTH_ERROR_TYPE' | 'STORAGE_DEGRADED' | 'STORAGE_UNREACHABLE';
  reason: string;
  message: string;
}

export interface VolumeUsage {
  available: Int64;
  total: Int64;
  used: Int64;
  unit: 'BYTES' | 'INODES';
}

export type Empty = Record<string, never>;

export interface VolumeRequest {
  volume_id: string;
}

export interface SnapshotRequest {
  snapshot_id: string;
}

export interface PageRequest {
  max_entries: number;
  starting_token: string;
}

export interface CreateVolumeRequest {
  name: string;
  capacity_range: CapacityRange | null;
  volume_capabilities: VolumeCapability[];
  parameters: StringMap;
  volume_content_source: VolumeContentSource | null;
  accessibility_requirements: TopologyRequirement | null;
  mutable_parameters: StringMap;
}

export interface ValidateVolumeCapabilitiesRequest extends VolumeRequest {
  volume_context: StringMap;
  volume_capabilities: VolumeCapability[];
  parameters: StringMap;
  mutable_parameters: StringMap;
}

export interface ValidateVolumeCapabilitiesResponse {
  confirmed?: {
    volume_context: StringMap;
    volume_capabilities: VolumeCapability[];
    parameters: StringMap;
    mutable_parameters: StringMap;
  };
  message?: string;
}

export interface GetCapacityRequest {
  volume_capabilities: VolumeCapability[];
  parameters: StringMap;
  accessible_topology: Topology | null;
}

export interface GetCapacityResponse {
  available_capacity: Int64;
  maximum_volume_size?: { value: Int64 };
  minimum_volume_size?: { value: Int64 };
}

export interface ControllerExpandVolumeRequest extends VolumeRequest {
  capacity_range: CapacityRange | null;
  volume_capability: VolumeCapability | null;
}

export interface ControllerModifyVolumeRequest extends VolumeRequest {
  mutable_parameters: StringMap;
}

export interface GetMetadataAllocatedRequest extends SnapshotRequest {
  starting_offset: Int64;
  max_results: number;
}

export interface GetMetadataDeltaRequest {
  base_snapshot_id: string;
  target_snapshot_id: string;
  starting_offset: Int64;
  max_results: number;
}

export interface CreateSnapshotRequest {
  source_volume_id: string;
  name: string;
  parameters: StringMap;
  accessibility_requirements: TopologyRequirement | null;
}

export interface ListSnapshotsRequest extends PageRequest {
  source_volume_id: string;
  snapshot_id: string;
}

export interface CreateVolumeGroupSnapshotRequest {
  name: string;
  source_volume_ids: string[];
  parameters: StringMap;
}

export interface VolumeGroupSnapshotRequest {
  group_snapshot_id: string;
  snapshot_ids: string[];
}

export interface NodeStageVolumeRequest extends VolumeRequest {
  staging_target_path: string;
  volume_capability: VolumeCapability | null;
  volume_context: StringMap;
}

export interface NodeUnstageVolumeRequest extends VolumeRequest {
  staging_target_path: string;
}

export interface NodePublishVolumeRequest extends NodeStageVolumeRequest {
  target_path: string;
  readonly: boolean;
}

export interface NodeUnpublishVolumeRequest extends VolumeRequest {
  target_path: string;
}

export interface NodeGetVolumeStatsRequest extends VolumeRequest {
  volume_path: string;
}

export interface NodeExpandVolumeRequest extends VolumeRequest {
  volume_path: string;
  capacity_range: CapacityRange | null;
  volume_capability: VolumeCapability | null;
}

export interface NodeGetInfoResponse {
  node_id: string;
  max_volumes_per_node: Int64;
  accessible_topology: Topology;
}
