/** For the guests of shares*.sh: what a provisioner and a kubelet ask of node daemons for a volume that several nodes share. */
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readMounts } from '../../src/host/mountinfo.ts';
import type { CsiClient } from '../csi/client.ts';

export const DIR = '/run/berth-test';
export const PATIENT = { timeoutMs: 60_000 };

export interface Volume {
  volume_id: string;
  volume_context: Record<string, string>;
  accessible_topology: object[];
}

const topologyOf = (node: string): object => ({ segments: { 'topology.berth.dev/node': node } });
const capability = (group = ''): object => ({
  mount: { fs_type: '', volume_mount_group: group },
  access_mode: { mode: 'MULTI_NODE_MULTI_WRITER' },
});

export async function createShare(csi: CsiClient, name: string, nodes: string[]): Promise<Volume> {
  const { volume } = await csi.call<{ volume: Volume }>('CreateVolume', {
    name,
    capacity_range: { required_bytes: '67108864' },
    volume_capabilities: [capability()],
    accessibility_requirements: { requisite: nodes.map(topologyOf) },
  });
  return volume;
}

/** A node's use of a volume. */
export function useOf(csi: () => CsiClient, node: string, { volume_id, volume_context }: Volume) {
  const staging_target_path = join(DIR, 'staging', node, volume_id);
  const target = (pod: string): string => join(DIR, 'pods', node, pod);
  mkdirSync(staging_target_path, { recursive: true });
  mkdirSync(join(DIR, 'pods', node), { recursive: true });
  const common = { volume_id, staging_target_path };
  return {
    async publish(pod: string, group?: string, readonly = false): Promise<string> {
      const request = { ...common, volume_context, volume_capability: capability(group) };
      await csi().call('NodeStageVolume', request, PATIENT);
      await csi().call('NodePublishVolume', { ...request, target_path: target(pod), readonly }, PATIENT);
      return target(pod);
    },
    unpublish: (pod: string) => csi().call('NodeUnpublishVolume', { volume_id, target_path: target(pod) }, PATIENT),
    unstage: () => csi().call('NodeUnstageVolume', common, PATIENT),
    stats: (pod: string) =>
      csi().call<{ usage: object[] }>('NodeGetVolumeStats', { volume_id, volume_path: target(pod) }, PATIENT),
    kind: (): string | undefined =>
      readMounts().findLast(({ mountPoint }) => mountPoint === staging_target_path)?.fsType,
  };
}

export function requireEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what} is ${String(found)} instead of ${String(expected)}`);
}

/** Appends lines, each synced, in a process of its own: a write to NFS waits for the server, which this process starts. */
export function appendLines(file: string, count: number): Promise<void> {
  const script = `for i in $(seq ${count}); do echo $i >>"$0" && sync "$0" || exit 1; sleep 0.2; done`;
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', script, file], (error) => (error === null ? resolve() : reject(error)));
  });
}
