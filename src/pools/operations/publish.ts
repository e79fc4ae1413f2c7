import { closeSync, constants, lstatSync, mkdirSync, openSync, rmdirSync, unlinkSync } from 'node:fs';
import { BerthError } from '../../errors.ts';
import { isReadOnlyDevice, setReadOnlyDevice, withDevice } from '../../host/block.ts';
import { errorCode } from '../../host/libc.ts';
import { bindMount, isMountFlag, type MountFlag } from '../../host/mount.ts';
import { mountAt, readMounts } from '../../host/mountinfo.ts';
import type { Access, AccessMode } from '../../volumes/model.ts';
import { findObject, fullId, holding, mountsOf, type PoolCore } from '../core.ts';
import { applyIoLimits, isLimited, releaseIoLimits } from '../io-limits.ts';
import type { ObjectRow } from '../ledger.ts';
import { giveToGroup } from './mount-group.ts';
import { checkAccess, isOurs, refuseUnknownMount, requireOptions, unmountAll } from './stage.ts';

export interface PublishArgs {
  uuid: string;
  stagingPath: string;
  targetPath: string;
  access: Access;
  mode: AccessMode;
  readOnly: boolean;
}

const oneUser: readonly AccessMode[] = ['SINGLE_NODE_WRITER', 'SINGLE_NODE_SINGLE_WRITER'];

/** NodePublishVolume: binds what is staged to the target path, which is made here (CSI 1.13). */
export async function publishVolume(core: PoolCore, args: PublishArgs): Promise<void> {
  const row = findObject(core, 'volume', args.uuid);
  checkAccess(core, row, args);
  await holding(core, 'NodePublishVolume', [row.uuid], async () => {
    const all = readMounts();
    const { mounts, device } = mountsOf(core, row, all);
    const flags = flagsOf(args);
    const source = sourceOf(core, row, args, mounts, device);
    const present = mountAt(args.targetPath, all);
    if (present !== undefined) {
      if (!isOurs(core, row, present, device)) {
        throw new BerthError('TARGET_NOT_USABLE', {
          path: args.targetPath,
          problem: `${present.source} is mounted there`,
        });
      }
      requireOptions(core, row, present, flags);
      return;
    }
    if (oneUser.includes(args.mode)) {
      const other = mounts.find((mount) => mount.mountPoint !== args.stagingPath);
      if (other !== undefined) {
        throw new BerthError('SINGLE_WRITER_TAKEN', { id: fullId(core, row.uuid), path: other.mountPoint });
      }
    }
    if (args.access.kind === 'mount' && args.access.group !== undefined && !args.readOnly) {
      await giveToGroup(args.stagingPath, args.access.group);
    }
    if (device !== undefined && row.content === 'block') shareDevice(core, row, device, flags.includes('ro'), mounts);
    const made = makeTarget(args.targetPath, args.access.kind);
    try {
      core.step('publish.mount', () => bindMount(source, args.targetPath, flags));
    } catch (error) {
      if (made) removeTarget(args.targetPath);
      throw error;
    }
    if (isLimited(row.ioLimits)) applyIoLimits(core, row);
  });
}

/** NodeUnpublishVolume: unmounts and removes the target; one that is not there is fine. */
export async function unpublishVolume(core: PoolCore, args: { uuid: string; targetPath: string }): Promise<void> {
  const row = core.ledger.object(args.uuid);
  const unpublish = async (): Promise<void> => {
    if (row !== undefined) core.step('unpublish.unmount', () => unmountAll(core, row, args.targetPath));
    else refuseUnknownMount(args.targetPath);
    removeTarget(args.targetPath);
    if (row !== undefined) releaseIoLimits(core, row, args.targetPath);
  };
  await (row === undefined ? unpublish() : holding(core, 'NodeUnpublishVolume', [row.uuid], unpublish));
}

function flagsOf(args: PublishArgs): MountFlag[] {
  const flags = args.access.kind === 'mount' ? args.access.mountOptions.filter(isMountFlag) : [];
  const readOnly = args.readOnly || args.mode.endsWith('READER_ONLY');
  return readOnly && !flags.includes('ro') ? [...flags, 'ro'] : flags;
}

/**
 * A read-only mount does not keep anybody from writing to the device that is mounted, and a second device upon the same
 * file would have a cache of its own: so the device as a whole is either read-only or not.
 */
function shareDevice(
  core: PoolCore,
  row: ObjectRow,
  device: string,
  readOnly: boolean,
  published: readonly { mountPoint: string }[],
): void {
  withDevice(device, (fd) => {
    if (isReadOnlyDevice(fd) === readOnly) return;
    const [other] = published;
    if (other !== undefined) {
      const how = readOnly ? 'read-write' : 'read-only';
      throw new BerthError('BLOCK_SHARED_OTHERWISE', { id: fullId(core, row.uuid), path: other.mountPoint, how });
    }
    setReadOnlyDevice(fd, readOnly);
  });
}

function sourceOf(
  core: PoolCore,
  row: ObjectRow,
  args: PublishArgs,
  mounts: readonly { mountPoint: string }[],
  device: string | undefined,
): string {
  const staged =
    args.access.kind === 'block' ? device : mounts.find((mount) => mount.mountPoint === args.stagingPath)?.mountPoint;
  if (staged === undefined) {
    throw new BerthError('VOLUME_NOT_STAGED', { id: fullId(core, row.uuid), path: args.stagingPath });
  }
  return staged;
}

/** Returns whether it was made here. The parent is the caller's (CSI 1.13 NodePublishVolume). */
export function makeTarget(path: string, kind: Access['kind']): boolean {
  try {
    if (kind === 'mount') mkdirSync(path, { mode: 0o750 });
    else
      closeSync(
        openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW, 0o600),
      );
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      throw new BerthError(
        'TARGET_NOT_USABLE',
        { path, problem: 'its parent directory does not exist' },
        { cause: error },
      );
    }
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  const present = lstatSync(path);
  if (kind === 'mount' ? !present.isDirectory() : !present.isFile()) {
    throw new BerthError('TARGET_NOT_USABLE', {
      path,
      problem: `it is not a ${kind === 'mount' ? 'directory' : 'file'}`,
    });
  }
  return false;
}

/** Removes an empty directory or an empty file, never more: the kubelet clears nothing else away, and neither do we. */
export function removeTarget(path: string): void {
  try {
    const present = lstatSync(path);
    if (present.isDirectory()) rmdirSync(path);
    else if (present.isFile() && present.size === 0) unlinkSync(path);
    else
      throw new BerthError('TARGET_NOT_USABLE', {
        path,
        problem: 'it is neither an empty directory nor an empty file',
      });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    if (errorCode(error) === 'ENOTEMPTY' || errorCode(error) === 'EBUSY') {
      throw new BerthError(
        'TARGET_NOT_USABLE',
        { path, problem: 'files lie in it that are not the volume’s' },
        { cause: error },
      );
    }
    throw error;
  }
}
