import { BerthError } from '../errors.ts';
import { isMountFlag, mountFlags } from '../host/mount.ts';
import type { Pool } from '../pools/manager.ts';
import { choosePool, poolsOfClass } from './choose-pool.ts';
import { requireIoLimits } from './io-limits.ts';
import { type Locator, offersOf } from './locate.ts';
import type { Call, Capability, CreateVolume, Volume } from './model.ts';
import type { Names } from './names.ts';
import { chooseContent, chooseSize } from './sizes.ts';

/** Chooses the pool, the content and the size of a new volume; the pool's thread does the rest. */
export function createVolumeIn(
  pools: () => readonly Pool[],
  { locateSource }: Locator,
  names: Names,
): (request: CreateVolume, call: Call) => Promise<Volume> {
  return async (request, call) => {
    const source = request.source && { kind: request.source.kind, ...locateSource(request.source) };
    const choose = (): Pool => {
      const candidates = poolsOfClass(pools(), request.parameters);
      if (source === undefined) return choosePool(candidates);
      if (candidates.includes(source.pool)) return source.pool;
      throw new BerthError('CONTENT_INCOMPATIBLE', {
        problem: `its source is in pool ${source.pool.config.name} of class ${source.pool.config.class}`,
      });
    };
    return names.claim('volume', request.name, choose, (pool) => {
      const offers = offersOf(pool);
      const content = chooseContent(request.capabilities, offers);
      if (pool.config.backend !== 'image') refuseFilesystemOptions(content, request.capabilities);
      requireIoLimits(pool, request.ioLimits);
      const minimumBytes = offers.minimumBytes[content] ?? 0n;
      const args = {
        name: request.name,
        size: request.size,
        sizeBytes: chooseSize(request.size, { granularityBytes: offers.granularityBytes, minimumBytes }),
        content,
        parameters: request.parameters,
        ioLimits: request.ioLimits,
        source: source && { kind: source.kind, uuid: source.uuid },
      };
      return pool.call('createVolume', args, call);
    });
  };
}

/** Volumes that are folders of the pool's own file system can have flags of their mount, and no options of theirs. */
function refuseFilesystemOptions(fsType: string, capabilities: readonly Capability[]): void {
  for (const { access } of capabilities) {
    const option = access.kind === 'mount' ? access.mountOptions.find((name) => !isMountFlag(name)) : undefined;
    if (option === undefined) continue;
    throw new BerthError('MOUNT_OPTION_REFUSED', { option, fsType, allowed: mountFlags.join(', ') });
  }
}
