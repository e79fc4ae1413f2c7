import { closeSync, constants, openSync } from 'node:fs';
import { BerthError } from '../../errors.ts';
import { freezeFilesystem, thawFilesystem } from '../../host/files.ts';
import { errorCode } from '../../host/libc.ts';
import type { CopySource, Made, Place } from '../backend.ts';
import { fullId, mountsOf, type PoolCore, placeOf, verifyToken } from '../core.ts';
import { runJob } from '../jobs.ts';
import type { ObjectRow } from '../ledger.ts';

type Verb = 'snapshot' | 'clone';

/** Copies a volume or snapshot into staging, holding its file system still meanwhile where the backend needs that. */
export async function copyObject(
  core: PoolCore,
  verb: Verb,
  source: ObjectRow,
  staging: Place,
  row: ObjectRow,
): Promise<Made> {
  const spec = { ...row, readOnly: row.kind === 'snapshot' };
  const from = describeSource(core, source);
  const copy = (): Promise<Made> | Made =>
    core.step(`${verb}.copy`, () => {
      if (core.backend.snapshotKind === 'instant') return core.backend.copy(from, staging, spec, () => {});
      return runJob(
        core,
        { kind: 'copy', uuid: spec.uuid, totalBytes: source.sizeBytes, cancellable: true },
        (progress, signal) => Promise.resolve(core.backend.copy(from, staging, { ...spec, signal }, progress)),
      );
    });
  if (!core.backend.freezesForCopy || from.mountedAt === undefined) return copy();
  return frozen(core, verb, [from.mountedAt], copy);
}

/** Where a source is and who uses it. Throws when what is on the disk is not what the ledger means. */
export function describeSource(core: PoolCore, source: ObjectRow): CopySource {
  const place = placeOf(core, source);
  if (!verifyToken(core, source, place)) {
    throw new BerthError('VOLUME_DAMAGED', { id: fullId(core, source.uuid), problem: 'its data is not on the pool' });
  }
  const { mounts, device } = mountsOf(core, source);
  if (source.content === 'block' && device !== undefined && core.backend.snapshotKind === 'copy') {
    throw new BerthError('SNAPSHOT_UNSUPPORTED', {
      id: fullId(core, source.uuid),
      problem: 'it is a raw block device in use, and this file system cannot copy it at one moment',
    });
  }
  // A raw block device shows up as a mounted file when it is published: there is no file system of ours to hold still.
  return { row: source, place, mountedAt: source.content === 'block' ? undefined : mounts[0]?.mountPoint };
}

/** Runs `act` while the file systems mounted at `paths` take no writes. A crash in between is undone at the next start. */
export async function frozen<T>(core: PoolCore, verb: Verb, paths: string[], act: () => Promise<T> | T): Promise<T> {
  const fds: number[] = [];
  try {
    for (const path of paths) {
      const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
      fds.push(fd);
      core.step(`${verb}.freeze`, () => freezeFilesystem(fd));
    }
    return await act();
  } finally {
    for (const fd of fds) {
      core.step(`${verb}.thaw`, () => thawFilesystem(fd));
      closeSync(fd);
    }
  }
}

/** Lets a file system go on that a crash left frozen. */
export function thawMount(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    thawFilesystem(fd);
  } catch (error) {
    if (errorCode(error) !== 'EOPNOTSUPP') throw error;
  } finally {
    closeSync(fd);
  }
}
