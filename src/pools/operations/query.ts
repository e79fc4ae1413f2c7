import { BerthError } from '../../errors.ts';
import { readMounts } from '../../host/mountinfo.ts';
import type { HealthProblem, Snapshot, Usage, Volume } from '../../volumes/model.ts';
import { findObject, fullId, mountsOf, type PoolCore, placeOf } from '../core.ts';
import { ioLimitProblems } from '../io-limits.ts';
import type { ObjectRow } from '../ledger.ts';

/** A page of volumes in the order of their ids, with where they are mounted. */
export function listVolumes(core: PoolCore, args: { after?: string; limit?: number }): Volume[] {
  const mounts = readMounts();
  return core.ledger.listObjects({ kind: 'volume', ...args }).map((row) => toVolume(core, row, mounts));
}

export function getVolume(core: PoolCore, args: { uuid: string }): Volume {
  return toVolume(core, findObject(core, 'volume', args.uuid));
}

export function findVolume(core: PoolCore, args: { name: string }): Volume | undefined {
  const row = core.ledger.objectByName('volume', args.name);
  return row?.state === 'ready' ? toVolume(core, row) : undefined;
}

export function toVolume(core: PoolCore, row: ObjectRow, allMounts = readMounts()): Volume {
  const place = placeOf(core, row);
  const device = allMounts.length === 0 ? undefined : core.backend.attachedDevice?.(place, row);
  const mounts = core.backend.mountsOf(place, row, allMounts, device);
  return {
    id: fullId(core, row.uuid),
    name: row.name,
    poolId: core.id,
    poolName: core.spec.name,
    poolClass: core.spec.class,
    backend: core.spec.backend,
    shared: core.spec.shared,
    state: row.state,
    sizeBytes: row.sizeBytes,
    content: row.content,
    parameters: row.parameters,
    ioLimits: row.ioLimits,
    source: row.source && { kind: row.source.kind, id: fullId(core, row.source.uuid) },
    createdAt: row.createdAt,
    mounts: mounts.map((mount) => ({ path: mount.mountPoint, readOnly: mount.options.includes('ro') })),
    device,
  };
}

export function listSnapshots(
  core: PoolCore,
  args: { after?: string; limit?: number; sourceUuid?: string | undefined },
): Snapshot[] {
  return core.ledger.listObjects({ kind: 'snapshot', ...args }).map((row) => toSnapshot(core, row));
}

export const getSnapshot = (core: PoolCore, args: { uuid: string }): Snapshot =>
  toSnapshot(core, findObject(core, 'snapshot', args.uuid));

export const toSnapshot = (core: PoolCore, row: ObjectRow): Snapshot => ({
  id: fullId(core, row.uuid),
  name: row.name,
  sourceVolumeId: fullId(core, row.source!.uuid),
  sizeBytes: row.sizeBytes,
  createdAt: row.createdAt,
  ready: row.state === 'ready',
  groupId: row.groupUuid === undefined ? undefined : fullId(core, row.groupUuid),
});

/** Where the volume's own directory is in the pool. */
export function volumeDirectory(core: PoolCore, args: { uuid: string }): string {
  const row = findObject(core, 'volume', args.uuid);
  if (core.backend.attach !== undefined) {
    throw new BerthError('CAPABILITY_EXCEEDED', {
      id: fullId(core, row.uuid),
      problem: 'it is no directory of the pool',
    });
  }
  const { dirPath, name } = placeOf(core, row);
  return `${dirPath}/${name}`;
}

/** NodeGetVolumeStats: `path` must be one of the volume's own. */
export function volumeStats(core: PoolCore, args: { uuid: string; path: string }): Usage {
  const row = findObject(core, 'volume', args.uuid);
  const { mounts } = mountsOf(core, row);
  if (!mounts.some((mount) => mount.mountPoint === args.path)) {
    throw new BerthError('VOLUME_PATH_UNKNOWN', { id: fullId(core, row.uuid), path: args.path });
  }
  return core.backend.usage(placeOf(core, row), row, args.path);
}

/** What a volume uses, wherever it is mounted, for the command line. */
export function volumeUsage(core: PoolCore, args: { uuid: string }): Usage {
  const row = findObject(core, 'volume', args.uuid);
  return core.backend.usage(placeOf(core, row), row, mountsOf(core, row).mounts[0]?.mountPoint);
}

export function volumeHealth(core: PoolCore, args: { uuid: string }): HealthProblem[] {
  const row = findObject(core, 'volume', args.uuid);
  const found = core.backend.identify(placeOf(core, row));
  if (found === undefined) {
    return [
      { status: 'DATA_LOSS', reason: 'VolumeMissing', message: 'the volume is in the ledger and not on the disk' },
    ];
  }
  if (found !== row.identity) {
    return [
      { status: 'DATA_LOSS', reason: 'TokenMismatch', message: 'the disk holds something else at the volume’s place' },
    ];
  }
  return [...(core.backend.guard?.problems(row) ?? []), ...ioLimitProblems(core, row)];
}
