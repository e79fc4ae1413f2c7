/** The words that csi, admin and the command line share about volumes. Sizes are in bytes, times in ms since 1970. */

/** CSI 1.13 VolumeCapability.AccessMode, by its names. */
export type AccessMode =
  | 'SINGLE_NODE_WRITER'
  | 'SINGLE_NODE_READER_ONLY'
  | 'MULTI_NODE_READER_ONLY'
  | 'MULTI_NODE_SINGLE_WRITER'
  | 'MULTI_NODE_MULTI_WRITER'
  | 'SINGLE_NODE_SINGLE_WRITER'
  | 'SINGLE_NODE_MULTI_WRITER';

export type Access =
  | { kind: 'block' }
  /** `fsType` is '' when the caller leaves it to the pool. `group` is a numeric gid that must be able to write. */
  | { kind: 'mount'; fsType: string; mountOptions: string[]; group?: string | undefined };

export interface Capability {
  access: Access;
  mode: AccessMode;
}

/** A size range; 0n means unset. */
export interface SizeRange {
  requiredBytes: bigint;
  limitBytes: bigint;
}

export interface ContentSource {
  kind: 'snapshot' | 'volume';
  id: string;
}

/** StorageClass parameters after validation (see parameters.ts). */
export interface VolumeParameters {
  poolClass?: string | undefined;
  thin: boolean;
  nodatacow: boolean;
}

/**
 * What the pods that use a volume may do to it, each pod for itself, in bytes or operations a second. What is absent is
 * not limited. The keys are those of a VolumeAttributesClass.
 */
export interface IoLimits {
  readBytesPerSecond?: number | undefined;
  writeBytesPerSecond?: number | undefined;
  readOperationsPerSecond?: number | undefined;
  writeOperationsPerSecond?: number | undefined;
}

export interface CreateVolume {
  name: string;
  size: SizeRange;
  capabilities: Capability[];
  parameters: VolumeParameters;
  ioLimits: IoLimits;
  source?: ContentSource | undefined;
}

/** The NFS export that a shared volume is, at an IP address that other nodes reach. */
export interface Share {
  address: string;
  port: number;
  name: string;
}

/** Names that stand in a mount's source without quoting. */
export const SHARE_NAME = /^\w[\w.-]{0,254}$/;

/** How a node is to use it: `always` by NFS, or directly where the volume is while no other node has come. */
export interface ShareUse extends Share {
  always: boolean;
}

/** `creating` and `deleting` volumes are not shown; both count against the pool. */
export type VolumeState = 'creating' | 'ready' | 'deleting';

export interface Volume {
  /** `<pool uuid>.<volume uuid>` */
  id: string;
  name: string;
  poolId: string;
  poolName: string;
  poolClass: string;
  backend: Backend;
  /** Whether it may be used from several nodes at once. */
  shared: boolean;
  /** Absent when other nodes cannot reach it. */
  share?: Share | undefined;
  state: VolumeState;
  sizeBytes: bigint;
  /** 'block' when it is a raw device, else the file system that the volume has. */
  content: 'block' | FilesystemType;
  parameters: VolumeParameters;
  ioLimits: IoLimits;
  source?: ContentSource | undefined;
  createdAt: number;
  /** Where it is mounted on this node: staged or published. */
  mounts: { path: string; readOnly: boolean }[];
  /** The block device that it is attached to now. */
  device?: string | undefined;
}

export type Backend = 'btrfs' | 'image' | 'directory';
export type FilesystemType = 'btrfs' | 'ext4' | 'xfs' | 'directory';

export interface Snapshot {
  /** `<pool uuid>.<snapshot uuid>` */
  id: string;
  name: string;
  sourceVolumeId: string;
  /** The smallest size it can be restored into. */
  sizeBytes: bigint;
  createdAt: number;
  ready: boolean;
  groupId?: string | undefined;
}

/** What is asked of a snapshot's blocks: those that were ever written, or those that differ from an earlier snapshot. */
export interface BlockQuery {
  id: string;
  baseId?: string | undefined;
  fromBytes: bigint;
  max: number;
}

export interface BlockPage {
  /** Of the snapshot's volume, when it was cut. */
  sizeBytes: bigint;
  /** In order and apart. */
  blocks: { startBytes: bigint; endBytes: bigint }[];
  /** Where to go on; absent at the end. A page without blocks may have it. */
  nextBytes?: bigint | undefined;
}

export interface GroupSnapshot {
  id: string;
  name: string;
  createdAt: number;
  ready: boolean;
  snapshots: Snapshot[];
}

export interface Page<T> {
  items: T[];
  /** Opaque token of the next page; undefined at the end. */
  next?: string | undefined;
}

export interface Usage {
  bytes: { total: bigint; used: bigint; available: bigint };
  /** Absent for a raw block device. */
  inodes?: { total: bigint; used: bigint; available: bigint } | undefined;
}

export interface Capacity {
  availableBytes: bigint;
  maximumVolumeBytes: bigint;
  minimumVolumeBytes?: bigint | undefined;
}

/** CSI 1.13 health entry; an empty list means healthy. `reason` is CamelCase. */
export interface HealthProblem {
  status: 'UNKNOWN' | 'DEGRADED' | 'INACCESSIBLE' | 'DATA_LOSS';
  reason: string;
  message: string;
}

/** Work that outlives its call: mkfs, copies, freeing. */
export interface Job {
  id: string;
  poolName: string;
  kind: 'format' | 'copy' | 'free';
  subject: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  doneBytes: bigint;
  totalBytes: bigint;
  startedAt: number;
  endedAt?: number | undefined;
  error?: string | undefined;
}

export type PoolState = 'opening' | 'ready' | 'unhealthy' | 'lost' | 'foreign' | 'failed' | 'closed';

export interface PoolStatus {
  /** Undefined until the pool was read for the first time. */
  id?: string | undefined;
  name: string;
  class: string;
  backend: Backend;
  state: PoolState;
  /** Why it is not ready, in plain words. */
  reason?: string | undefined;
  /** Device paths or the directory. */
  storage: string[];
  totalBytes: bigint;
  /** Free for new volumes: total less reserve and everything promised. */
  availableBytes: bigint;
  provisionedBytes: bigint;
  reserveBytes: bigint;
  /** What the file system itself says is free. */
  freeBytes: bigint;
  volumes: number;
  snapshots: number;
  limitsEnforced: boolean;
  snapshotKind: 'instant' | 'copy' | 'none';
  blockVolumes: boolean;
  filesystems: FilesystemType[];
}

/** Who asks and until when. `deadline` is in ms since 1970; a call that is not done by then ends with UNAVAILABLE. */
export interface Call {
  deadline: number;
  requestId: string;
}

/**
 * The door of the volumes room: what csi and admin call. Every method rejects with BerthError. All are idempotent as
 * CSI 1.13 asks of the RPC of the same name.
 */
export interface VolumeService {
  createVolume(request: CreateVolume, call: Call): Promise<Volume>;
  /** A volume that is gone is fine. */
  deleteVolume(id: string, call: Call): Promise<void>;
  getVolume(id: string, call: Call): Promise<Volume>;
  /** Whether a volume of this name is here or is just being made. A name that is gone may still be known. */
  knowsVolume(name: string): boolean;
  /** By its name; undefined when there is none. */
  findVolume(name: string, call: Call): Promise<Volume | undefined>;
  /** In the order of their ids. `max` 0 means as many as there are. */
  listVolumes(page: { token: string; max: number }, call: Call): Promise<Page<Volume>>;
  capacity(query: { parameters: VolumeParameters; capabilities: Capability[] }, call: Call): Promise<Capacity>;
  /** Why the capabilities cannot be had of this volume, or undefined when all can. */
  checkCapabilities(volume: Volume, capabilities: Capability[]): string | undefined;
  /** Returns the size after it; `nodeExpansion` when NodeExpandVolume is still to do. */
  expandVolume(
    request: { id: string; size: SizeRange; capability?: Capability | undefined },
    call: Call,
  ): Promise<{ sizeBytes: bigint; nodeExpansion: boolean }>;

  /** The volume has these limits and no others from now on. */
  modifyVolume(request: { id: string; ioLimits: IoLimits }, call: Call): Promise<void>;

  createSnapshot(request: { name: string; sourceVolumeId: string }, call: Call): Promise<Snapshot>;
  deleteSnapshot(id: string, call: Call): Promise<void>;
  getSnapshot(id: string, call: Call): Promise<Snapshot>;
  /** An id or source that is unknown gives an empty page. */
  listSnapshots(
    filter: { id?: string | undefined; sourceVolumeId?: string | undefined; token: string; max: number },
    call: Call,
  ): Promise<Page<Snapshot>>;
  /** Both snapshots must be of one volume. */
  snapshotBlocks(query: BlockQuery, call: Call): Promise<BlockPage>;
  createGroupSnapshot(request: { name: string; sourceVolumeIds: string[] }, call: Call): Promise<GroupSnapshot>;
  /** `snapshotIds`, unless empty, must be the group's own. */
  deleteGroupSnapshot(id: string, snapshotIds: string[], call: Call): Promise<void>;
  getGroupSnapshot(id: string, snapshotIds: string[], call: Call): Promise<GroupSnapshot>;

  stageVolume(
    request: { id: string; stagingPath: string; capability: Capability; share?: ShareUse | undefined },
    call: Call,
  ): Promise<void>;
  unstageVolume(request: { id: string; stagingPath: string }, call: Call): Promise<void>;
  publishVolume(
    request: { id: string; stagingPath: string; targetPath: string; capability: Capability; readOnly: boolean },
    call: Call,
  ): Promise<void>;
  unpublishVolume(request: { id: string; targetPath: string }, call: Call): Promise<void>;
  volumeStats(request: { id: string; path: string }, call: Call): Promise<Usage>;
  /** What a volume uses, wherever and whether it is mounted. */
  volumeUsage(id: string, call: Call): Promise<Usage>;
  /** Path of the directory that the volume is, on this node. Rejects with CAPABILITY_EXCEEDED when it is none. */
  volumeDirectory(id: string, call: Call): Promise<string>;
  expandNode(request: { id: string; path: string; size: SizeRange }, call: Call): Promise<{ sizeBytes: bigint }>;
  volumeHealth(id: string, call: Call): Promise<HealthProblem[]>;
  /** Health of the pools of this node, by pool name. */
  storageHealth(): { pool: string; problem: HealthProblem }[];

  pools(): PoolStatus[];
  jobs(call: Call): Promise<Job[]>;
  cancelJob(id: string, call: Call): Promise<void>;
}
