import { BerthError } from '../../src/errors.ts';
import type { Job, Page, PoolStatus, Snapshot, Volume, VolumeService } from '../../src/volumes/model.ts';

export const POOL_ID = '0a0a0a0a-0000-4000-8000-000000000001';
export const OTHER_POOL_ID = '0b0b0b0b-0000-4000-8000-000000000002';
const GIB = 1n << 30n;
/** 2026-01-02T03:04:05Z */
export const CREATED_AT = 1_767_323_045_000;

export interface FakeState {
  pools: PoolStatus[];
  volumes: Volume[];
  snapshots: Snapshot[];
  jobs: Job[];
  /** Each call that changes something, as text. */
  calls: string[];
  /** Thrown by the next call of the method named. */
  failures: Map<string, Error>;
  /** How many calls of the method named answer OPERATION_PENDING first. */
  pending: Map<string, number>;
  /** Entries a page at most, whatever was asked for. */
  pageLimit: number;
}

export function fakePool(changes: Partial<PoolStatus> = {}): PoolStatus {
  return {
    id: POOL_ID,
    name: 'nvme',
    class: 'fast',
    backend: 'btrfs',
    state: 'ready',
    storage: ['/dev/nvme0n1'],
    totalBytes: 100n * GIB,
    availableBytes: 60n * GIB,
    provisionedBytes: 35n * GIB,
    reserveBytes: 5n * GIB,
    freeBytes: 90n * GIB,
    volumes: 0,
    snapshots: 0,
    limitsEnforced: true,
    snapshotKind: 'instant',
    blockVolumes: false,
    filesystems: ['btrfs'],
    ...changes,
  };
}

export function fakeVolume(number: number, changes: Partial<Volume> = {}): Volume {
  return {
    id: `${POOL_ID}.${String(number).padStart(8, '0')}-1111-4000-8000-000000000000`,
    name: `pvc-${number}`,
    poolId: POOL_ID,
    poolName: 'nvme',
    poolClass: 'fast',
    backend: 'btrfs',
    shared: false,
    state: 'ready',
    sizeBytes: BigInt(number) * GIB,
    content: 'btrfs',
    parameters: { thin: false, nodatacow: false },
    ioLimits: {},
    createdAt: CREATED_AT,
    mounts: [],
    ...changes,
  };
}

export const newState = (changes: Partial<FakeState> = {}): FakeState => ({
  pools: [fakePool()],
  volumes: [],
  snapshots: [],
  jobs: [],
  calls: [],
  failures: new Map(),
  pending: new Map(),
  pageLimit: 1_000,
  ...changes,
});

/** A volume service in memory: what is needed to see that requests arrive and answers come back. */
export function fakeService(state: FakeState): VolumeService {
  const find = (id: string): Volume => {
    const volume = state.volumes.find((one) => one.id === id);
    if (volume === undefined) throw new BerthError('VOLUME_NOT_FOUND', { id });
    return volume;
  };
  const enter = (method: string, argument: unknown): void => {
    const text = JSON.stringify(argument, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
    state.calls.push(`${method} ${text}`);
    const failure = state.failures.get(method);
    state.failures.delete(method);
    if (failure !== undefined) throw failure;
    const pending = state.pending.get(method) ?? 0;
    state.pending.set(method, pending - 1);
    if (pending > 0) throw new BerthError('OPERATION_PENDING', { subject: 'volume x', operation: 'copy' });
  };
  const pageOf = <T>(items: T[], { token, max }: { token: string; max: number }): Page<T> => {
    const start = token === '' ? 0 : Number(token);
    const end = start + Math.min(max, state.pageLimit);
    return { items: items.slice(start, end), next: end < items.length ? String(end) : undefined };
  };
  const unused = async (): Promise<never> => {
    throw new Error('not used by admin');
  };

  return {
    async createVolume(request) {
      enter('createVolume', request);
      const access = request.capabilities[0]!.access;
      const volume = fakeVolume(state.volumes.length + 1, {
        name: request.name,
        sizeBytes: request.size.requiredBytes || GIB,
        content: access.kind === 'block' ? 'block' : ((access.fsType || 'btrfs') as Volume['content']),
        parameters: request.parameters,
        source: request.source,
      });
      state.volumes.push(volume);
      return volume;
    },
    async deleteVolume(id) {
      enter('deleteVolume', id);
      state.volumes = state.volumes.filter((volume) => volume.id !== id);
    },
    getVolume: async (id) => find(id),
    knowsVolume: () => false,
    findVolume: async () => undefined,
    async listVolumes(page) {
      enter('listVolumes', page);
      return pageOf(state.volumes, page);
    },
    capacity: unused,
    modifyVolume: unused,
    snapshotBlocks: unused,
    volumeDirectory: unused,
    checkCapabilities: () => undefined,
    async expandVolume({ id, size }) {
      enter('expandVolume', { id, size });
      const volume = find(id);
      if (size.requiredBytes > volume.sizeBytes) volume.sizeBytes = size.requiredBytes;
      return { sizeBytes: volume.sizeBytes, nodeExpansion: volume.mounts.length > 0 };
    },
    async createSnapshot({ name, sourceVolumeId }) {
      enter('createSnapshot', { name, sourceVolumeId });
      const source = find(sourceVolumeId);
      const snapshot: Snapshot = {
        id: `${POOL_ID}.${String(state.snapshots.length + 1).padStart(8, '0')}-2222-4000-8000-000000000000`,
        name,
        sourceVolumeId,
        sizeBytes: source.sizeBytes,
        createdAt: CREATED_AT,
        ready: true,
      };
      state.snapshots.push(snapshot);
      return snapshot;
    },
    async deleteSnapshot(id) {
      enter('deleteSnapshot', id);
      state.snapshots = state.snapshots.filter((snapshot) => snapshot.id !== id);
    },
    async getSnapshot(id) {
      const snapshot = state.snapshots.find((one) => one.id === id);
      if (snapshot === undefined) throw new BerthError('SNAPSHOT_NOT_FOUND', { id });
      return snapshot;
    },
    async listSnapshots({ sourceVolumeId, ...page }) {
      const wanted = state.snapshots.filter(
        (one) => sourceVolumeId === undefined || one.sourceVolumeId === sourceVolumeId,
      );
      return pageOf(wanted, page);
    },
    createGroupSnapshot: unused,
    deleteGroupSnapshot: unused,
    getGroupSnapshot: unused,
    async stageVolume(request) {
      enter('stageVolume', request);
      const { mounts } = find(request.id);
      const staged = mounts.some(({ path }) => path === request.stagingPath);
      if (!staged) mounts.push({ path: request.stagingPath, readOnly: false });
    },
    async unstageVolume({ id, stagingPath }) {
      enter('unstageVolume', { id, stagingPath });
      const volume = find(id);
      volume.mounts = volume.mounts.filter(({ path }) => path !== stagingPath);
    },
    async publishVolume(request) {
      enter('publishVolume', request);
      find(request.id).mounts.push({ path: request.targetPath, readOnly: request.readOnly });
    },
    async unpublishVolume({ id, targetPath }) {
      enter('unpublishVolume', { id, targetPath });
      const volume = find(id);
      volume.mounts = volume.mounts.filter(({ path }) => path !== targetPath);
    },
    volumeStats: unused,
    async volumeUsage(id) {
      const { sizeBytes: total, content } = find(id);
      if (content === 'block') return { bytes: { total, used: 0n, available: 0n } };
      const bytes = { total, used: total / 4n, available: total - total / 4n };
      return { bytes, inodes: { total: 1_000n, used: 10n, available: 990n } };
    },
    async expandNode({ id, path, size }) {
      enter('expandNode', { id, path, size });
      return { sizeBytes: size.requiredBytes };
    },
    volumeHealth: async (id) =>
      find(id).name === 'ill' ? [{ status: 'DEGRADED', reason: 'CsumErrors', message: '3 checksum errors' }] : [],
    storageHealth: () => [],
    pools: () => state.pools,
    jobs: async () => state.jobs,
    async cancelJob(id) {
      enter('cancelJob', id);
      const job = state.jobs.find((one) => one.id === id);
      if (job === undefined) throw new BerthError('JOB_NOT_FOUND', { id });
      job.state = 'cancelled';
    },
  };
}
