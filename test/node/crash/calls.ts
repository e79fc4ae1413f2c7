import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CallError } from '../../csi/client.ts';
import type { Daemon } from '../../helpers/daemon.ts';
import type { CrashLab } from './lab.ts';
import type { Content, Existence, GroupNote, SnapshotNote, VolumeNote } from './notes.ts';

/** The daemon has died: whether it did what the call asked for is open. */
export class DaemonDied extends Error {}

const DEATH_LIMIT_MS = 5_000;
const PENDING_LIMIT_MS = 10_000;
const RETRY_MS = 20;

/**
 * The calls of a provisioner and a kubelet. Each notes what it asks for before it asks, and what it was told after;
 * all may be repeated. An answer that contradicts an earlier one is an error, as is any refusal but one for want of room.
 */
export type Calls = ReturnType<typeof createCalls>;

export function createCalls(lab: CrashLab, daemon: Daemon) {
  let died = false;
  void daemon.ended.then(() => {
    died = true;
  });

  /** Resolves to undefined when the daemon refuses for want of room. Waits for another call on the same object. */
  async function call<T extends object>(rpc: string, request: object): Promise<T | undefined> {
    for (const end = Date.now() + PENDING_LIMIT_MS; ; await delay(RETRY_MS)) {
      if (died) throw new DaemonDied();
      try {
        return await daemon.csi.call<T>(rpc, request);
      } catch (error) {
        const { status, message } = error as CallError;
        if (status === 'RESOURCE_EXHAUSTED' || status === 'OUT_OF_RANGE') return undefined;
        // A new mount namespace anywhere on the machine has copies of our mounts for a moment.
        const isPassing = status === 'ABORTED' || (rpc === 'DeleteVolume' && message.startsWith('VOLUME_IN_USE'));
        if (isPassing && Date.now() < end) continue;
        const connectionLost = status === 'UNAVAILABLE' || status === 'CANCELLED' || status === 'INTERNAL';
        if (connectionLost) await Promise.race([daemon.ended, delay(DEATH_LIMIT_MS, undefined, { ref: false })]);
        if (died) throw new DaemonDied();
        throw new Error(`${rpc} ${JSON.stringify(request)}: ${status} ${message}`);
      }
    }
  }

  const identify = (note: { name: string; id: string | undefined }, id: string): void => {
    if (note.id !== undefined && note.id !== id) throw new Error(`${note.name} was ${note.id} and is now ${id}`);
    note.id = id;
  };
  const refuse = (note: { name: string; id: string | undefined; existence: Existence }): void => {
    if (note.id !== undefined) throw new Error(`${note.name} was ${note.id}, and now there is no room for it`);
    note.existence = 'gone';
  };
  const stagingPath = (note: VolumeNote): string => join(lab.paths.staging, note.name);
  const targetPath = (note: VolumeNote): string => join(lab.paths.targets, note.name);
  const capability = (note: VolumeNote): object => capabilityOf(note.content);

  return {
    stagingPath,
    targetPath,

    async createVolume(note: VolumeNote): Promise<void> {
      if (note.existence !== 'there') note.existence = 'asked';
      const answer = await call<{ volume: { volume_id: string; capacity_bytes: string } }>(
        'CreateVolume',
        note.request,
      );
      if (answer === undefined) return refuse(note);
      identify(note, answer.volume.volume_id);
      if (BigInt(answer.volume.capacity_bytes) !== note.sizeBytes && note.askedBytes === undefined) {
        throw new Error(`${note.name} has ${answer.volume.capacity_bytes} bytes instead of ${note.sizeBytes}`);
      }
      note.existence = 'there';
    },
    /** To no limit, which can be had on every machine and in every pool. */
    async modifyVolume(note: VolumeNote): Promise<void> {
      await call('ControllerModifyVolume', { volume_id: note.id, mutable_parameters: { readBytesPerSecond: 'max' } });
    },
    async deleteVolume(note: VolumeNote): Promise<void> {
      if (note.existence !== 'gone') note.existence = 'leaving';
      await call('DeleteVolume', { volume_id: note.id });
      note.existence = 'gone';
    },

    async expandVolume(note: VolumeNote, sizeBytes: bigint): Promise<void> {
      note.askedBytes = sizeBytes;
      const answer = await call<{ capacity_bytes: string; node_expansion_required: boolean }>(
        'ControllerExpandVolume',
        {
          volume_id: note.id,
          capacity_range: { required_bytes: String(sizeBytes) },
        },
      );
      note.askedBytes = undefined;
      if (answer === undefined) return;
      note.sizeBytes = BigInt(answer.capacity_bytes);
      if (answer.node_expansion_required) note.filled = false;
    },
    async expandNode(note: VolumeNote): Promise<void> {
      await call('NodeExpandVolume', {
        volume_id: note.id,
        volume_path: stagingPath(note),
        capacity_range: { required_bytes: String(note.sizeBytes) },
        volume_capability: capability(note),
      });
      note.filled = true;
    },

    async stage(note: VolumeNote): Promise<void> {
      mkdirSync(stagingPath(note), { recursive: true });
      const before = note.staged;
      if (before !== 'yes') note.staged = 'asked';
      const request = {
        volume_id: note.id,
        staging_target_path: stagingPath(note),
        volume_capability: capability(note),
      };
      await call('NodeStageVolume', request);
      note.staged = 'yes';
      if (before !== 'yes') note.filled = true;
    },
    async unstage(note: VolumeNote): Promise<void> {
      if (note.staged !== 'no') note.staged = 'leaving';
      await call('NodeUnstageVolume', { volume_id: note.id, staging_target_path: stagingPath(note) });
      note.staged = 'no';
    },
    async publish(note: VolumeNote): Promise<void> {
      if (note.published !== 'yes') note.published = 'asked';
      await call('NodePublishVolume', {
        volume_id: note.id,
        staging_target_path: stagingPath(note),
        target_path: targetPath(note),
        volume_capability: capability(note),
        readonly: note.readOnly,
      });
      note.published = 'yes';
    },
    async unpublish(note: VolumeNote): Promise<void> {
      if (note.published !== 'no') note.published = 'leaving';
      await call('NodeUnpublishVolume', { volume_id: note.id, target_path: targetPath(note) });
      note.published = 'no';
    },

    async createSnapshot(note: SnapshotNote): Promise<void> {
      if (note.existence !== 'there') note.existence = 'asked';
      const answer = await call<{ snapshot: { snapshot_id: string } }>('CreateSnapshot', note.request);
      if (answer === undefined) return refuse(note);
      identify(note, answer.snapshot.snapshot_id);
      note.existence = 'there';
    },
    async deleteSnapshot(note: SnapshotNote): Promise<void> {
      if (note.existence !== 'gone') note.existence = 'leaving';
      await call('DeleteSnapshot', { snapshot_id: note.id });
      note.existence = 'gone';
    },

    async createGroup(note: GroupNote): Promise<void> {
      if (note.existence !== 'there') note.existence = 'asked';
      const answer = await call<GroupAnswer>('CreateVolumeGroupSnapshot', note.request);
      if (answer === undefined) return refuse(note);
      const { group_snapshot_id, snapshots } = answer.group_snapshot;
      identify(note, group_snapshot_id);
      const members = new Map(snapshots.map(({ source_volume_id, snapshot_id }) => [source_volume_id, snapshot_id]));
      const expected = note.members.size === 0 ? [...note.cuts.keys()] : [...note.members].flat();
      const found = note.members.size === 0 ? [...members.keys()] : [...members].flat();
      if (expected.sort().join() !== found.sort().join())
        throw new Error(`group ${note.name} holds ${found}, not ${expected}`);
      note.members = members;
      note.existence = 'there';
    },
    async deleteGroup(note: GroupNote): Promise<void> {
      if (note.existence !== 'gone') note.existence = 'leaving';
      await call('DeleteVolumeGroupSnapshot', { group_snapshot_id: note.id, snapshot_ids: [...note.members.values()] });
      note.existence = 'gone';
    },

    /** Ids and sizes of all volumes of all pools. */
    async listVolumes(): Promise<Map<string, bigint>> {
      const { entries } = (await call<{ entries: { volume: { volume_id: string; capacity_bytes: string } }[] }>(
        'ListVolumes',
        {},
      ))!;
      return new Map(entries.map(({ volume }) => [volume.volume_id, BigInt(volume.capacity_bytes)]));
    },
    async listSnapshots(): Promise<Set<string>> {
      const { entries } = (await call<{ entries: { snapshot: { snapshot_id: string } }[] }>('ListSnapshots', {}))!;
      return new Set(entries.map(({ snapshot }) => snapshot.snapshot_id));
    },
  };
}

interface GroupAnswer {
  group_snapshot: { group_snapshot_id: string; snapshots: { source_volume_id: string; snapshot_id: string }[] };
}

export const capabilityOf = (content: Content): object => ({
  ...(content === 'block' ? { block: {} } : { mount: { fs_type: content === 'subvolume' ? 'btrfs' : content } }),
  access_mode: { mode: 'SINGLE_NODE_WRITER' },
});
