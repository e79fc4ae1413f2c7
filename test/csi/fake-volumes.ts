import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { BerthError } from '../../src/errors.ts';
import type {
  Capability,
  GroupSnapshot,
  HealthProblem,
  Page,
  PoolStatus,
  Snapshot,
  Usage,
  Volume,
  VolumeService,
} from '../../src/volumes/model.ts';

const MIB = 1n << 20n;
const POOL_BYTES = 1n << 40n;
const POOL_ID = '00000000-0000-4000-8000-000000000000';
const TYPES = ['btrfs', 'ext4', 'xfs'] as const;

export interface FakeVolumes extends VolumeService {
  /** Tests change these to stage what a pool would report. */
  readonly health: Map<string, HealthProblem[]>;
  readonly storage: { pool: string; problem: HealthProblem }[];
}

interface FakeVolume extends Volume {
  readonly stagedAs: Map<string, Capability>;
}

/** A pool of images in memory. `makePaths` makes target paths real, as csi-sanity looks at them. */
export function createFakeVolumes(options: { makePaths: boolean }): FakeVolumes {
  const volumes = new Map<string, FakeVolume>();
  const targets = new Map<string, { id: string; capability: Capability; readOnly: boolean }>();
  const snapshots = new Map<string, Snapshot>();
  const groups = new Map<string, GroupSnapshot>();
  const health: FakeVolumes['health'] = new Map();
  const storage: FakeVolumes['storage'] = [];

  const used = (): bigint => [...volumes.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n);

  const find = (id: string) => {
    const volume = volumes.get(id);
    if (!volume) throw new BerthError('VOLUME_NOT_FOUND', { id });
    return volume;
  };

  const findSnapshot = (id: string): Snapshot => {
    const snapshot = snapshots.get(id);
    if (!snapshot) throw new BerthError('SNAPSHOT_NOT_FOUND', { id });
    return snapshot;
  };

  const publishedAt = (id: string) => [...targets].filter(([, target]) => target.id === id);

  /** A volume is found at any path where it was staged or published. */
  const findAt = (id: string, path: string) => {
    const volume = find(id);
    if (!volume.stagedAs.has(path) && targets.get(path)?.id !== id) {
      throw new BerthError('VOLUME_PATH_UNKNOWN', { id, path });
    }
    return volume;
  };

  const refuse = (capabilities: readonly Capability[]): string | undefined => {
    for (const { access, mode } of capabilities) {
      if (mode.startsWith('MULTI_NODE')) return `${mode} is not possible on a local disk`;
      if (access.kind === 'mount' && access.fsType !== '' && !(TYPES as readonly string[]).includes(access.fsType)) {
        return `file system ${access.fsType} is not offered`;
      }
    }
    return undefined;
  };

  const cut = (name: string, sourceVolumeId: string, groupId?: string): Snapshot => {
    const source = find(sourceVolumeId);
    const snapshot: Snapshot = {
      id: newId(),
      name,
      sourceVolumeId,
      sizeBytes: source.sizeBytes,
      createdAt: Date.now(),
      ready: true,
      groupId,
    };
    snapshots.set(snapshot.id, snapshot);
    return snapshot;
  };

  const checkMembers = (group: GroupSnapshot, ids: readonly string[]): void => {
    const members = group.snapshots.map(({ id }) => id).sort();
    if (ids.length > 0 && !isDeepStrictEqual([...ids].sort(), members)) {
      throw new BerthError('FIELD_INVALID', { field: 'snapshot_ids', problem: 'are not those of the group' });
    }
  };

  return {
    health,
    storage,

    async createVolume(request) {
      const { size, capabilities, parameters, source, name } = request;
      const problem = refuse(capabilities);
      if (problem) throw new BerthError('CAPABILITY_UNSUPPORTED', { problem });
      const existing = [...volumes.values()].find((volume) => volume.name === name);
      if (existing) {
        const fits =
          existing.sizeBytes >= size.requiredBytes && (size.limitBytes === 0n || existing.sizeBytes <= size.limitBytes);
        const difference = !fits ? 'size' : isDeepStrictEqual(existing.source, source) ? undefined : 'source';
        if (difference) throw new BerthError('VOLUME_EXISTS', { name, difference });
        return existing;
      }
      const from = source && (source.kind === 'snapshot' ? findSnapshot(source.id) : find(source.id));
      const sizeBytes = size.requiredBytes || from?.sizeBytes || size.limitBytes || 64n * MIB;
      if (from && sizeBytes < from.sizeBytes) {
        throw new BerthError('SIZE_TOO_SMALL', { requested: sizeBytes, problem: 'the source is larger' });
      }
      if (used() + sizeBytes > POOL_BYTES) {
        throw new BerthError('POOL_NO_ROOM', { class: 'fake', needed: sizeBytes, free: POOL_BYTES - used() });
      }
      const [first] = capabilities;
      const fsType = TYPES.find((type) => first?.access.kind === 'mount' && first.access.fsType === type);
      const volume: FakeVolume = {
        id: newId(),
        name,
        poolId: POOL_ID,
        poolName: 'fake',
        poolClass: 'fake',
        backend: 'image',
        shared: false,
        state: 'ready',
        sizeBytes,
        content: first?.access.kind === 'block' ? 'block' : (fsType ?? 'ext4'),
        parameters,
        ioLimits: request.ioLimits,
        source,
        createdAt: Date.now(),
        mounts: [],
        stagedAs: new Map(),
      };
      volumes.set(volume.id, volume);
      return volume;
    },

    async deleteVolume(id) {
      const volume = volumes.get(id);
      if (!volume) return;
      const users = [...volume.stagedAs.keys(), ...publishedAt(id).map(([path]) => path)];
      if (users.length > 0) throw new BerthError('VOLUME_IN_USE', { id, users: users.join(', ') });
      volumes.delete(id);
    },

    getVolume: async (id) => find(id),
    findVolume: async (name) => [...volumes.values()].find((volume) => volume.name === name),
    knowsVolume: (name) => [...volumes.values()].some((volume) => volume.name === name),
    listVolumes: async (page) => paginate([...volumes.values()], page),
    capacity: async ({ capabilities }) => {
      const free = refuse(capabilities) === undefined ? POOL_BYTES - used() : 0n;
      return { availableBytes: free, maximumVolumeBytes: free, minimumVolumeBytes: MIB };
    },
    checkCapabilities: (_volume, capabilities) => refuse(capabilities),

    async expandVolume({ id, size }) {
      const volume = find(id);
      const wanted = size.requiredBytes || size.limitBytes;
      if (used() - volume.sizeBytes + wanted > POOL_BYTES) {
        throw new BerthError('EXPAND_NO_ROOM', { pool: 'fake', free: POOL_BYTES - used(), needed: wanted });
      }
      if (wanted > volume.sizeBytes) volume.sizeBytes = wanted;
      return { sizeBytes: volume.sizeBytes, nodeExpansion: volume.content !== 'block' };
    },

    async modifyVolume({ id, ioLimits }) {
      find(id).ioLimits = ioLimits;
    },

    /** Every second 4 KiB of the first 64 KiB are written; of those, every second one has changed. */
    async snapshotBlocks({ id, baseId, fromBytes, max }) {
      const { sizeBytes } = findSnapshot(id);
      if (baseId !== undefined) findSnapshot(baseId);
      const step = baseId === undefined ? 8_192n : 16_384n;
      const all = Array.from({ length: 65_536 / Number(step) }, (_, index) => {
        const startBytes = BigInt(index) * step;
        return { startBytes, endBytes: startBytes + 4_096n };
      });
      const left = all.filter(({ endBytes }) => endBytes > fromBytes);
      return { sizeBytes, blocks: left.slice(0, max), nextBytes: left[max]?.startBytes };
    },

    async volumeDirectory(id) {
      throw new BerthError('CAPABILITY_EXCEEDED', { id, problem: 'it is no directory' });
    },

    async createSnapshot({ name, sourceVolumeId }) {
      const existing = [...snapshots.values()].find((snapshot) => snapshot.name === name);
      if (!existing) return cut(name, sourceVolumeId);
      if (existing.sourceVolumeId !== sourceVolumeId) throw new BerthError('SNAPSHOT_EXISTS', { name });
      return existing;
    },

    async deleteSnapshot(id) {
      const group = snapshots.get(id)?.groupId;
      if (group !== undefined) throw new BerthError('SNAPSHOT_IN_GROUP', { id, group });
      snapshots.delete(id);
    },

    getSnapshot: async (id) => findSnapshot(id),
    listSnapshots: async ({ id, sourceVolumeId, ...page }) =>
      paginate(
        [...snapshots.values()].filter(
          (snapshot) =>
            (id === undefined || snapshot.id === id) &&
            (sourceVolumeId === undefined || snapshot.sourceVolumeId === sourceVolumeId),
        ),
        page,
      ),

    async createGroupSnapshot({ name, sourceVolumeIds }) {
      const existing = [...groups.values()].find((group) => group.name === name);
      if (existing) {
        const sources = existing.snapshots.map(({ sourceVolumeId }) => sourceVolumeId);
        if (!isDeepStrictEqual(sources.sort(), [...sourceVolumeIds].sort())) {
          throw new BerthError('SNAPSHOT_EXISTS', { name });
        }
        return existing;
      }
      sourceVolumeIds.forEach(find);
      const id = newId();
      const members = sourceVolumeIds.map((source, index) => cut(`${name} ${index}`, source, id));
      const group = { id, name, createdAt: Date.now(), ready: true, snapshots: members };
      groups.set(id, group);
      return group;
    },

    async deleteGroupSnapshot(id, snapshotIds) {
      const group = groups.get(id);
      if (!group) return;
      checkMembers(group, snapshotIds);
      for (const snapshot of group.snapshots) snapshots.delete(snapshot.id);
      groups.delete(id);
    },

    async getGroupSnapshot(id, snapshotIds) {
      const group = groups.get(id);
      if (!group) throw new BerthError('GROUP_SNAPSHOT_NOT_FOUND', { id });
      checkMembers(group, snapshotIds);
      return group;
    },

    async stageVolume({ id, stagingPath, capability }) {
      const volume = find(id);
      const problem = refuse([capability]);
      if (problem) throw new BerthError('CAPABILITY_EXCEEDED', { id, problem });
      const before = volume.stagedAs.get(stagingPath);
      if (before && !isDeepStrictEqual(before, capability)) {
        throw new BerthError('PUBLISH_CONFLICT', { id, path: stagingPath });
      }
      volume.stagedAs.set(stagingPath, capability);
    },

    async unstageVolume({ id, stagingPath }) {
      volumes.get(id)?.stagedAs.delete(stagingPath);
    },

    async publishVolume({ id, stagingPath, targetPath, capability, readOnly }) {
      const volume = find(id);
      if (!volume.stagedAs.has(stagingPath)) throw new BerthError('VOLUME_NOT_STAGED', { id, path: stagingPath });
      const wanted = { id, capability, readOnly };
      const before = targets.get(targetPath);
      if (before) {
        if (isDeepStrictEqual(before, wanted)) return;
        throw new BerthError('PUBLISH_CONFLICT', { id, path: targetPath });
      }
      const [other] = publishedAt(id);
      if (other && capability.mode !== 'SINGLE_NODE_MULTI_WRITER') {
        throw new BerthError('SINGLE_WRITER_TAKEN', { id, path: other[0] });
      }
      targets.set(targetPath, wanted);
      if (!options.makePaths) return;
      if (capability.access.kind === 'block') writeFileSync(targetPath, '');
      else mkdirSync(targetPath);
    },

    async unpublishVolume({ id, targetPath }) {
      if (targets.get(targetPath)?.id !== id) return;
      targets.delete(targetPath);
      if (options.makePaths) rmSync(targetPath, { recursive: true, force: true });
    },

    volumeStats: async ({ id, path }) => usageOf(findAt(id, path)),
    volumeUsage: async (id) => usageOf(find(id)),

    async expandNode({ id, path, size }) {
      const volume = findAt(id, path);
      if (size.requiredBytes > volume.sizeBytes) {
        throw new BerthError('EXPAND_NO_ROOM', { pool: 'fake', free: 0n, needed: size.requiredBytes });
      }
      return { sizeBytes: volume.sizeBytes };
    },

    async volumeHealth(id) {
      find(id);
      return health.get(id) ?? [];
    },
    storageHealth: () => storage,
    pools: () => [],
    jobs: async () => [],
    async cancelJob(id) {
      throw new BerthError('JOB_NOT_FOUND', { id });
    },
  };
}

/** A pool as `pools()` gives it. */
export function fakePool(values: Partial<PoolStatus>): PoolStatus {
  return {
    name: 'fake',
    class: 'lab',
    backend: 'image',
    state: 'ready',
    storage: [],
    totalBytes: 0n,
    availableBytes: 0n,
    provisionedBytes: 0n,
    reserveBytes: 0n,
    freeBytes: 0n,
    volumes: 0,
    snapshots: 0,
    limitsEnforced: true,
    snapshotKind: 'instant',
    blockVolumes: true,
    filesystems: [],
    ...values,
  };
}

function usageOf({ sizeBytes, content }: Volume): Usage {
  const bytes = { total: sizeBytes, used: 0n, available: sizeBytes };
  return content === 'block' ? { bytes } : { bytes, inodes: { total: 100n, used: 3n, available: 97n } };
}

const newId = (): string => `${POOL_ID}.${randomUUID()}`;

/** By id; the token is the last id given, so it stays good when that object is gone. */
function paginate<T extends { id: string }>(all: T[], page: { token: string; max: number }): Page<T> {
  if (page.token !== '' && !page.token.startsWith(POOL_ID)) throw new BerthError('PAGE_TOKEN_INVALID', {});
  const left = all.filter(({ id }) => id > page.token).sort((a, b) => (a.id < b.id ? -1 : 1));
  const items = page.max === 0 ? left : left.slice(0, page.max);
  return { items, next: items.length < left.length ? items.at(-1)?.id : undefined };
}
