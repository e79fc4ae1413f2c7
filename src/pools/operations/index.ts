import type {
  BlockPage,
  Capacity,
  GroupSnapshot,
  HealthProblem,
  IoLimits,
  Job,
  Snapshot,
  Usage,
  Volume,
} from '../../volumes/model.ts';
import type { PoolCore } from '../core.ts';
import { cancelJob, listJobs } from '../jobs.ts';
import { type CreateVolumeArgs, createVolume } from './create-volume.ts';
import { deleteObject } from './delete.ts';
import { expandNode, expandVolume } from './expand.ts';
import { createGroup, deleteGroup, type GroupResult, getGroup } from './group-snapshot.ts';
import { modifyVolume } from './modify.ts';
import { type PublishArgs, publishVolume, unpublishVolume } from './publish.ts';
import {
  findVolume,
  getSnapshot,
  getVolume,
  listSnapshots,
  listVolumes,
  toSnapshot,
  toVolume,
  volumeDirectory,
  volumeHealth,
  volumeStats,
  volumeUsage,
} from './query.ts';
import { createSnapshot } from './snapshot.ts';
import { snapshotBlocks } from './snapshot-blocks.ts';
import { stageVolume, unstageVolume } from './stage.ts';

/** Everything that can be asked of a pool, by name: arguments and answers are what crosses between the threads. */
export const operations = {
  createVolume: async (core: PoolCore, args: CreateVolumeArgs): Promise<Volume> =>
    toVolume(core, await createVolume(core, args), []),
  deleteObject: (core: PoolCore, args: { kind: 'volume' | 'snapshot'; uuid: string }): Promise<void> =>
    deleteObject(core, args),
  getVolume: (core: PoolCore, args: { uuid: string }): Volume => getVolume(core, args),
  findVolume: (core: PoolCore, args: { name: string }): Volume | undefined => findVolume(core, args),
  listVolumes: (core: PoolCore, args: { after?: string; limit?: number }): Volume[] => listVolumes(core, args),
  capacity: (core: PoolCore, _args: Record<string, never>): Capacity => {
    const availableBytes = core.room.availableBytes();
    return { availableBytes, maximumVolumeBytes: availableBytes };
  },
  expandVolume: async (core: PoolCore, args: { uuid: string; sizeBytes: bigint }) => {
    const row = await expandVolume(core, args);
    return { sizeBytes: row.sizeBytes, nodeExpansion: row.grow };
  },
  expandNode: (core: PoolCore, args: { uuid: string; path: string }): Promise<{ sizeBytes: bigint }> =>
    expandNode(core, args),
  modifyVolume: async (core: PoolCore, args: { uuid: string; ioLimits: IoLimits }): Promise<void> => {
    await modifyVolume(core, args);
  },
  createSnapshot: async (core: PoolCore, args: { name: string; sourceUuid: string }): Promise<Snapshot> =>
    toSnapshot(core, await createSnapshot(core, args)),
  getSnapshot: (core: PoolCore, args: { uuid: string }): Snapshot => getSnapshot(core, args),
  listSnapshots: (
    core: PoolCore,
    args: { after?: string; limit?: number; sourceUuid?: string | undefined },
  ): Snapshot[] => listSnapshots(core, args),
  snapshotBlocks: (
    core: PoolCore,
    args: { uuid: string; baseUuid?: string | undefined; fromBytes: bigint; max: number },
  ): BlockPage => snapshotBlocks(core, args),
  createGroup: async (core: PoolCore, args: { name: string; sourceUuids: string[] }): Promise<GroupSnapshot> =>
    toGroup(core, await createGroup(core, args)),
  deleteGroup: (core: PoolCore, args: { uuid: string; snapshotUuids: string[] }): Promise<void> =>
    deleteGroup(core, args),
  getGroup: (core: PoolCore, args: { uuid: string; snapshotUuids: string[] }): GroupSnapshot =>
    toGroup(core, getGroup(core, args)),
  stageVolume: (core: PoolCore, args: Parameters<typeof stageVolume>[1]): Promise<void> => stageVolume(core, args),
  unstageVolume: (core: PoolCore, args: { uuid: string; stagingPath: string }): Promise<void> =>
    unstageVolume(core, args),
  publishVolume: (core: PoolCore, args: PublishArgs): Promise<void> => publishVolume(core, args),
  unpublishVolume: (core: PoolCore, args: { uuid: string; targetPath: string }): Promise<void> =>
    unpublishVolume(core, args),
  volumeDirectory: (core: PoolCore, args: { uuid: string }): string => volumeDirectory(core, args),
  volumeStats: (core: PoolCore, args: { uuid: string; path: string }): Usage => volumeStats(core, args),
  volumeUsage: (core: PoolCore, args: { uuid: string }): Usage => volumeUsage(core, args),
  volumeHealth: (core: PoolCore, args: { uuid: string }): HealthProblem[] => volumeHealth(core, args),
  listJobs: (core: PoolCore, _args: Record<string, never>): Job[] => listJobs(core),
  cancelJob: (core: PoolCore, args: { uuid: string }): void => cancelJob(core, args.uuid),
};

export type Operations = typeof operations;
export type OperationName = keyof Operations;
export type OperationArgs<N extends OperationName> = Parameters<Operations[N]>[1];
export type OperationResult<N extends OperationName> = Awaited<ReturnType<Operations[N]>>;

const toGroup = (core: PoolCore, { group, members }: GroupResult): GroupSnapshot => ({
  id: `${core.id}.${group.uuid}`,
  name: group.name,
  createdAt: group.createdAt,
  ready: true,
  snapshots: members.map((member) => toSnapshot(core, member)),
});
