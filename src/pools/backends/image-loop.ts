import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { errorCode } from '../../host/libc.ts';
import { attachLoop, detachLoop, keepLoop, type LoopDevice, loopsOf } from '../../host/loop.ts';
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
    return present?.path ?? attachLoop(fd, { name: place.name, readOnly, directIo: true });
  });
}

/** The loop devices that the image is attached to; none when there is no image. */
export function imageLoops(place: Place): LoopDevice[] {
  try {
    return withImage(place, constants.O_RDONLY, (fd) => loopsOf(fd, place.name));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * The device that the image is attached to for somebody. One that waits to detach because a scan of disks has it open
 * for a moment does not count; one that is still mounted, or claimed by a device upon it, does.
 */
export const deviceInUse = (place: Place): string | undefined =>
  imageLoops(place).find((loop) => !loop.autoclear || isClaimed(loop.path))?.path;

function isClaimed(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_RDONLY | constants.O_EXCL));
    return false;
  } catch (error) {
    if (errorCode(error) === 'ENXIO') return false; // it has detached meanwhile
    if (errorCode(error) === 'EBUSY') return true;
    throw error;
  }
}

export function detachImage(place: Place): void {
  for (const { path } of imageLoops(place)) detachLoop(path);
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
