import { statSync } from 'node:fs';
import { BerthError } from '../../errors.ts';
import { errorCode } from '../../host/libc.ts';
import { isMountFlag, unmount } from '../../host/mount.ts';
import { type Mount, mountAt } from '../../host/mountinfo.ts';
import type { Access, AccessMode } from '../../volumes/model.ts';
import { findObject, fullId, holding, mountsOf, type PoolCore, placeOf, verifyToken } from '../core.ts';
import type { ObjectRow } from '../ledger.ts';
import { growFilesystem } from './expand.ts';

/** NodeStageVolume: attaches and mounts at the staging path, once. What is done in part is undone. */
export async function stageVolume(
  core: PoolCore,
  args: { uuid: string; stagingPath: string; access: Access; mode: AccessMode },
): Promise<void> {
  const row = findObject(core, 'volume', args.uuid);
  checkAccess(core, row, args);
  await holding(core, 'NodeStageVolume', [row.uuid], async () => {
    const place = placeOf(core, row);
    if (!verifyToken(core, row, place)) {
      throw new BerthError('VOLUME_DAMAGED', { id: fullId(core, row.uuid), problem: 'its data is not on the pool' });
    }
    const wasAttached = core.backend.attachedDevice?.(place, row) !== undefined;
    const device = core.step('stage.attach', () => core.backend.attach?.(place, row));
    if (args.access.kind === 'block') return;
    const options = args.access.mountOptions;
    const present = mountAt(args.stagingPath);
    if (present !== undefined && isOurs(core, row, present, device)) {
      requireOptions(core, row, present, options);
      if (row.grow) await core.step('stage.grow', () => growFilesystem(core, row, args.stagingPath));
      return;
    }
    let mounted = false;
    try {
      requireDirectory(args.stagingPath);
      await core.backend.verifyContent?.(device, row);
      core.step('stage.mount', () => mountStaged(core, row, args.stagingPath, options, device));
      mounted = true;
      if (row.grow) await core.step('stage.grow', () => growFilesystem(core, row, args.stagingPath));
    } catch (error) {
      // The kubelet may never call NodeUnstageVolume after a final error.
      if (mounted) unmount(args.stagingPath);
      if (!wasAttached) core.backend.detach?.(place, row);
      throw error;
    }
  });
}

/** NodeUnstageVolume: what is not staged is fine; EBUSY is an error. */
export async function unstageVolume(core: PoolCore, args: { uuid: string; stagingPath: string }): Promise<void> {
  const row = core.ledger.object(args.uuid);
  if (row === undefined) return refuseUnknownMount(args.stagingPath);
  await holding(core, 'NodeUnstageVolume', [row.uuid], async () => {
    core.step('unstage.unmount', () => unmountAll(core, row, args.stagingPath));
    const { mounts, device } = mountsOf(core, row);
    if (mounts.length === 0 && device !== undefined) {
      core.step('unstage.detach', () => core.backend.detach?.(placeOf(core, row), row));
    }
  });
}

/** Unmounts whatever shows this volume at `path`; something else there is left alone and reported. */
export function unmountAll(core: PoolCore, row: ObjectRow, path: string): void {
  for (;;) {
    const mount = mountAt(path);
    if (mount === undefined) return;
    if (!isOurs(core, row, mount, core.backend.attachedDevice?.(placeOf(core, row), row))) {
      throw new BerthError('TARGET_NOT_USABLE', { path, problem: `${mount.source} is mounted there, not this volume` });
    }
    try {
      unmount(path);
    } catch (error) {
      if (errorCode(error) !== 'EBUSY') throw error;
      throw new BerthError(
        'VOLUME_IN_USE',
        { id: fullId(core, row.uuid), users: `processes in ${path}` },
        { cause: error },
      );
    }
  }
}

export function isOurs(core: PoolCore, row: ObjectRow, mount: Mount, device: string | undefined): boolean {
  return core.backend.mountsOf(placeOf(core, row), row, [mount], device).length > 0;
}

/** A second stage or publish at the same path must ask for what is there (CSI 1.13, ALREADY_EXISTS). */
export function requireOptions(core: PoolCore, row: ObjectRow, mount: Mount, options: readonly string[]): void {
  const missing = options.filter(
    (option) => isMountFlag(option) && option !== 'lazytime' && !mount.options.includes(option),
  );
  const unasked = mount.options.includes('ro') && !options.includes('ro');
  if (missing.some((option) => option !== 'sync' && option !== 'dirsync' && option !== 'strictatime') || unasked) {
    throw new BerthError('PUBLISH_CONFLICT', { id: fullId(core, row.uuid), path: mount.mountPoint });
  }
}

/** CSI 1.13 NodeStageVolume and NodePublishVolume: what exceeds the volume's capabilities is FAILED_PRECONDITION. */
export function checkAccess(
  core: PoolCore,
  row: ObjectRow,
  { access, mode }: { access: Access; mode: AccessMode },
): void {
  const refuse = (problem: string) => new BerthError('CAPABILITY_EXCEEDED', { id: fullId(core, row.uuid), problem });
  if (mode.startsWith('MULTI_NODE') && !core.spec.shared) throw refuse(`it lives on one node, ${mode} was asked for`);
  if (access.kind === 'block') {
    if (row.content !== 'block') throw refuse('it has a file system, a raw block device was asked for');
    return;
  }
  if (row.content === 'block') throw refuse('it is a raw block device, a file system was asked for');
  if (access.fsType !== '' && access.fsType !== row.content) {
    throw refuse(`it has ${row.content}, ${access.fsType} was asked for`);
  }
}

/** Options that the kernel does not take, such as a security context without SELinux, are the caller's to change. */
function mountStaged(
  core: PoolCore,
  row: ObjectRow,
  path: string,
  options: readonly string[],
  device: string | undefined,
): void {
  try {
    core.backend.mount(placeOf(core, row), row, path, options, device);
  } catch (error) {
    if (errorCode(error) !== 'EINVAL' || options.length === 0) throw error;
    const problem = `the kernel does not mount it with ${options.join(',')}`;
    throw new BerthError('CAPABILITY_EXCEEDED', { id: fullId(core, row.uuid), problem }, { cause: error });
  }
}

/** A mount at a path that was named for a volume that is not in the ledger is somebody else's. */
export function refuseUnknownMount(path: string): void {
  const mount = mountAt(path);
  if (mount === undefined) return;
  throw new BerthError('TARGET_NOT_USABLE', {
    path,
    problem: `${mount.source} is mounted there, not a volume of this pool`,
  });
}

function requireDirectory(path: string): void {
  try {
    if (statSync(path).isDirectory()) return;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    throw new BerthError('TARGET_NOT_USABLE', { path, problem: 'it does not exist; the caller makes it' });
  }
  throw new BerthError('TARGET_NOT_USABLE', { path, problem: 'it is not a directory' });
}
