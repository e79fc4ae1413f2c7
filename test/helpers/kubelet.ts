import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CallError, CsiClient } from '../csi/client.ts';
import { until } from './until.ts';

/** What a pod's volume goes through, over CSI, as a provisioner and a kubelet do it. */
export interface Kubelet {
  create(name: string, options?: CreateOptions): Promise<string>;
  /** Stages and publishes; returns where the pod would find the volume. */
  publish(volumeId: string, options?: { fsType?: string; timeoutMs?: number }): Promise<string>;
  unpublish(volumeId: string, options?: { timeoutMs?: number }): Promise<void>;
  remove(volumeId: string): Promise<void>;
  /** Returns the snapshot's id. */
  snapshot(volumeId: string, name: string): Promise<string>;
  /** Grows the volume, which must be published, and the file system in it. */
  expand(volumeId: string, sizeBytes: bigint): Promise<void>;
}

export interface CreateOptions {
  sizeBytes?: bigint;
  poolClass?: string;
  fsType?: string;
  thin?: boolean;
  source?: { volume?: string; snapshot?: string };
  timeoutMs?: number;
}

const DEFAULT_SIZE_BYTES = 32n << 20n;

const capabilityOf = (fsType = ''): object => ({
  mount: { fs_type: fsType },
  access_mode: { mode: 'SINGLE_NODE_MULTI_WRITER' },
});

/** `dir` is where the staging and target paths are. */
export function createKubelet(csi: CsiClient, dir: string): Kubelet {
  const paths = (volumeId: string) => ({
    staging_target_path: join(dir, 'staging', volumeId),
    target_path: join(dir, 'pods', volumeId),
  });
  return {
    async create(name, { sizeBytes = DEFAULT_SIZE_BYTES, poolClass, fsType, thin, source, timeoutMs = 30_000 } = {}) {
      const { volume } = await csi.call<{ volume: { volume_id: string } }>(
        'CreateVolume',
        {
          name,
          capacity_range: { required_bytes: String(sizeBytes) },
          volume_capabilities: [capabilityOf(fsType)],
          parameters: { ...(poolClass && { poolClass }), ...(thin && { thin: 'true' }) },
          volume_content_source:
            source?.volume !== undefined
              ? { volume: { volume_id: source.volume } }
              : source?.snapshot !== undefined
                ? { snapshot: { snapshot_id: source.snapshot } }
                : undefined,
        },
        { timeoutMs },
      );
      return volume.volume_id;
    },
    async publish(volumeId, { fsType, timeoutMs = 30_000 } = {}) {
      const { staging_target_path, target_path } = paths(volumeId);
      mkdirSync(staging_target_path, { recursive: true });
      mkdirSync(join(dir, 'pods'), { recursive: true });
      const common = { volume_id: volumeId, staging_target_path, volume_capability: capabilityOf(fsType) };
      await csi.call('NodeStageVolume', common, { timeoutMs });
      await csi.call('NodePublishVolume', { ...common, target_path }, { timeoutMs });
      return target_path;
    },
    async unpublish(volumeId, { timeoutMs = 30_000 } = {}) {
      const { staging_target_path, target_path } = paths(volumeId);
      await csi.call('NodeUnpublishVolume', { volume_id: volumeId, target_path }, { timeoutMs });
      await csi.call('NodeUnstageVolume', { volume_id: volumeId, staging_target_path }, { timeoutMs });
    },
    async remove(volumeId) {
      // A mount namespace that is being made, anywhere on the machine, has all mounts for a moment; callers try again.
      const isFree = async (): Promise<boolean> => {
        try {
          await csi.call('DeleteVolume', { volume_id: volumeId });
          return true;
        } catch (error) {
          if ((error as CallError).message?.startsWith('VOLUME_IN_USE')) return false;
          throw error;
        }
      };
      await until(`volume ${volumeId} is free`, isFree);
    },
    async snapshot(volumeId, name) {
      const request = { name, source_volume_id: volumeId };
      const { snapshot } = await csi.call<{ snapshot: { snapshot_id: string } }>('CreateSnapshot', request);
      return snapshot.snapshot_id;
    },
    async expand(volumeId, sizeBytes) {
      const capacity_range = { required_bytes: String(sizeBytes) };
      const request = { volume_id: volumeId, capacity_range };
      const { node_expansion_required } = await csi.call<{ node_expansion_required: boolean }>(
        'ControllerExpandVolume',
        request,
      );
      if (!node_expansion_required) return;
      await csi.call('NodeExpandVolume', { ...request, volume_path: paths(volumeId).target_path });
    },
  };
}
