import { mkdirSync, rmdirSync } from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';
import { BerthError } from '../errors.ts';
import type { Call, Capability, Volume, VolumeService } from '../volumes/model.ts';

export interface MountRequest {
  id: string;
  path: string;
  readOnly: boolean;
  mountOptions: string[];
}

/** What kubelet does with two calls, for an operator's own paths: one staging folder a volume, beneath `stagingDir`. */
export function createMounts(service: VolumeService, stagingDir: string) {
  const stagingPathOf = (id: string): string => join(stagingDir, id);

  async function mount({ id, path, readOnly, mountOptions }: MountRequest, call: Call): Promise<Volume> {
    const targetPath = absolute(path);
    const capability = capabilityOf(await service.getVolume(id, call), mountOptions);
    const stagingPath = stagingPathOf(id);
    mkdirSync(stagingPath, { recursive: true, mode: 0o700 });
    await service.stageVolume({ id, stagingPath, capability }, call);
    try {
      await service.publishVolume({ id, stagingPath, targetPath, capability, readOnly }, call);
    } catch (error) {
      await unstageUnused(id, call).catch(() => {}); // the first error is the one to tell
      throw error;
    }
    return service.getVolume(id, call);
  }

  async function unmount({ id, path }: { id: string; path: string }, call: Call): Promise<Volume> {
    const targetPath = absolute(path);
    const { mounts } = await service.getVolume(id, call);
    if (!mounts.some((mounted) => mounted.path === targetPath)) {
      throw new BerthError('VOLUME_PATH_UNKNOWN', { id, path: targetPath });
    }
    if (targetPath === stagingPathOf(id)) {
      await unstage(id, call);
    } else {
      await service.unpublishVolume({ id, targetPath }, call);
      await unstageUnused(id, call);
    }
    return service.getVolume(id, call);
  }

  async function unstageUnused(id: string, call: Call): Promise<void> {
    const stagingPath = stagingPathOf(id);
    const { mounts } = await service.getVolume(id, call);
    if (mounts.length === 1 && mounts[0]!.path === stagingPath) await unstage(id, call);
  }

  async function unstage(id: string, call: Call): Promise<void> {
    const stagingPath = stagingPathOf(id);
    await service.unstageVolume({ id, stagingPath }, call);
    rmdirSync(stagingPath);
  }

  return { mount, unmount };
}

const capabilityOf = (volume: Volume, mountOptions: string[]): Capability => ({
  access: volume.content === 'block' ? { kind: 'block' } : { kind: 'mount', fsType: '', mountOptions },
  mode: 'SINGLE_NODE_MULTI_WRITER',
});

function absolute(path: string): string {
  if (!isAbsolute(path) || path.includes('\0')) {
    throw new BerthError('FIELD_INVALID', { field: 'path', problem: 'must be an absolute path' });
  }
  return normalize(path).replace(/(?<=.)\/$/, '');
}
