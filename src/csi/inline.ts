import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '../errors.ts';
import type { Call, Capability, Volume, VolumeService } from '../volumes/model.ts';
import { parseParameters } from './parameters.ts';
import type { StringMap } from './types.ts';
import { parseBytesText } from './validate.ts';

/** What the kubelet adds to the volume context of an inline volume (CSIDriver.spec.podInfoOnMount). */
const EPHEMERAL_KEY = 'csi.storage.k8s.io/ephemeral';
const SIZE_KEY = 'size';
/** Names of inline volumes begin so, and no others: what has such a name goes with its pod. */
const PREFIX = 'inline volume ';
/** The handles that the kubelet makes up: they name no pool. */
const HANDLE = /^csi-[0-9a-f]{64}$/;

export const isInlineContext = (context: StringMap): boolean => context[EPHEMERAL_KEY] === 'true';

/** Refuses a name that would make a volume go with a pod. */
export function refuseInlineName(name: string): void {
  if (name.startsWith(PREFIX)) {
    throw new BerthError('FIELD_INVALID', { field: 'name', problem: `begins with "${PREFIX}", as inline volumes do` });
  }
}

export interface InlinePublish {
  handle: string;
  targetPath: string;
  capability: Capability;
  readOnly: boolean;
  context: StringMap;
}

/**
 * Inline volumes: written into the pod itself, made when it is published and deleted with it (KEP-596). Parameters are those of a
 * StorageClass, and `size`. `dir` is where they are staged.
 */
export function createInline(service: VolumeService, dir: string) {
  const find = (handle: string, call: Call): Promise<Volume | undefined> =>
    HANDLE.test(handle) ? service.findVolume(`${PREFIX}${handle}`, call) : Promise.resolve(undefined);
  const stagingPathOf = (handle: string): string => join(dir, handle);

  return {
    async publish({ handle, targetPath, capability, readOnly, context }: InlinePublish, call: Call): Promise<void> {
      if (!HANDLE.test(handle)) {
        throw new BerthError('FIELD_INVALID', { field: 'volume_id', problem: 'is no handle of an inline volume' });
      }
      const { [SIZE_KEY]: size, ...rest } = context;
      if (size === undefined) throw new BerthError('FIELD_MISSING', { field: `volume_context.${SIZE_KEY}` });
      const { id } = await service.createVolume(
        {
          name: `${PREFIX}${handle}`,
          capabilities: [capability],
          size: { requiredBytes: parseBytesText(size, `volume_context.${SIZE_KEY}`), limitBytes: 0n },
          parameters: parseParameters(rest),
          ioLimits: {},
        },
        call,
      );
      const stagingPath = stagingPathOf(handle);
      mkdirSync(stagingPath, { recursive: true, mode: 0o700 });
      await service.stageVolume({ id, stagingPath, capability }, call);
      await service.publishVolume({ id, stagingPath, targetPath, capability, readOnly }, call);
    },

    /** Takes the volume away and its data with it. False when there is no such inline volume. */
    async unpublish(handle: string, targetPath: string, call: Call): Promise<boolean> {
      const volume = await find(handle, call);
      if (volume === undefined) return false;
      await service.unpublishVolume({ id: volume.id, targetPath }, call);
      await service.unstageVolume({ id: volume.id, stagingPath: stagingPathOf(handle) }, call);
      if (existsSync(stagingPathOf(handle))) rmdirSync(stagingPathOf(handle));
      await service.deleteVolume(volume.id, call);
      return true;
    },

    /** The id of the volume that the kubelet calls by a handle of its own; any other id as it is. */
    idOf: async (id: string, call: Call): Promise<string> => (await find(id, call))?.id ?? id,
  };
}
