import { readFileSync } from 'node:fs';
import { BerthError } from '../errors.ts';
import { attachedLoopNames } from '../host/loop.ts';
import { type Mount, mountAt } from '../host/mountinfo.ts';
import { run } from '../host/run.ts';
import { removeTarget } from '../pools/operations/publish.ts';

const TIME_LIMIT_MS = 10_000;

/** NodeUnpublishVolume without the pool: takes away the mount and the target path. */
export async function unpublishDetached(uuid: string, path: string): Promise<void> {
  await unmountVolume(uuid, path);
  removeTarget(path);
}

/** NodeUnstageVolume without the pool: takes away the mount and the volume's loop devices, which hold the pool's disk. */
export async function unstageDetached(uuid: string, path: string): Promise<void> {
  await unmountVolume(uuid, path);
  if (uuid === '') return;
  for (const name of attachedLoopNames(entryPrefix(uuid))) {
    await run('losetup', ['--detach', `/dev/${name}`], { timeoutMs: TIME_LIMIT_MS });
  }
}

/**
 * Takes away the mount of a volume whose pool cannot do it any more, as a lost disk's: by a child process, because the
 * call may hang, and lazily, because nothing can be written back. Only what shows by its own names to be this volume's
 * is unmounted; a path with no mount is fine.
 */
async function unmountVolume(uuid: string, path: string): Promise<void> {
  for (;;) {
    const mount = mountAt(path);
    if (mount === undefined) return;
    if (!showsVolume(mount, uuid)) {
      throw new BerthError('TARGET_NOT_USABLE', { path, problem: `${mount.source} is mounted there, not this volume` });
    }
    try {
      await run('umount', ['--lazy', '--no-canonicalize', path], { timeoutMs: TIME_LIMIT_MS });
    } catch (error) {
      throw new BerthError('TARGET_NOT_USABLE', { path, problem: 'it cannot be unmounted' }, { cause: error });
    }
  }
}

/** A call about a volume that never was: nothing of it can be mounted, and what is there is somebody else's. */
export function refuseMount(path: string): void {
  const mount = mountAt(path);
  if (mount === undefined) return;
  throw new BerthError('TARGET_NOT_USABLE', {
    path,
    problem: `${mount.source} is mounted there, not a volume of this node`,
  });
}

/** How the names of a volume's files and folders begin, as a path. */
const entryPrefix = (uuid: string): string => `/${uuid}.`;

/** By the volume's entry name: in the mount's root for a subvolume, in the loop device's file for an image. */
function showsVolume(mount: Mount, uuid: string): boolean {
  if (uuid === '') return false;
  if (mount.root.includes(entryPrefix(uuid))) return true;
  const loop = /^\/(?:dev\/)?(loop\d+)$/.exec(mount.fsType === 'devtmpfs' ? mount.root : mount.source)?.[1];
  if (loop === undefined) return false;
  try {
    return readFileSync(`/sys/block/${loop}/loop/backing_file`, 'utf8').includes(entryPrefix(uuid));
  } catch {
    return false;
  }
}
