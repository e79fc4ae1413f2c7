import { constants, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { errorCode } from '../../host/libc.ts';
import { attachLoop, detachLoop, keepLoop, loopsOf } from '../../host/loop.ts';
import type { Mount } from '../../host/mountinfo.ts';
import type { Place } from '../backend.ts';
import type { ObjectRow } from '../ledger.ts';
import { withImage } from './image-file.ts';

/** Attaches the image unless it is, and returns the device's path. */
export function attachImage(place: Place, row: ObjectRow): string {
  const readOnly = row.kind === 'snapshot';
  return withImage(place, readOnly ? constants.O_RDONLY : constants.O_RDWR, (fd) => {
    // One that is about to detach is kept: a second device over a file that is still mounted would destroy it.
    const present = loopsOf(fd, place.name).find(keepLoop);
    if (present !== undefined) return present.path;
    const path = attachLoop(fd, { name: place.name, readOnly, directIo: true });
    if (!row.parameters.thin) refuseDiscard(path);
    return path;
  });
}

/** What a thick volume has reserved stays reserved, whatever is deleted or trimmed inside. */
function refuseDiscard(path: string): void {
  writeFileSync(`/sys/block/${basename(path)}/queue/discard_max_bytes`, '0');
}

/** Paths of the loop devices that the image is attached to; none when there is no image. */
export function imageLoops(place: Place): string[] {
  try {
    return withImage(place, constants.O_RDONLY, (fd) => loopsOf(fd, place.name).map((loop) => loop.path));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

export function detachImage(place: Place): void {
  for (const path of imageLoops(place)) detachLoop(path);
}

/**
 * The mounts of a file system on the device, and of the device's own node as a raw volume is published. btrfs shows
 * device numbers of its own in mountinfo, but the device's path.
 */
export function mountsOfDevice(device: string, mounts: readonly Mount[]): Mount[] {
  const name = basename(device);
  const number = readFileSync(`/sys/block/${name}/dev`, 'utf8').trim();
  return mounts.filter(
    (mount) =>
      mount.device === number ||
      (mount.fsType === 'btrfs' && mount.source === device) ||
      (mount.root === `/${name}` && (mount.fsType === 'devtmpfs' || mount.fsType === 'tmpfs')),
  );
}
