import { BerthError } from '../../errors.ts';
import { errorCode } from '../../host/libc.ts';
import {
  commitStep,
  findObject,
  fullId,
  holding,
  mountsOf,
  type PoolCore,
  placeOf,
  verifyToken,
  writeStep,
} from '../core.ts';
import type { ObjectRow } from '../ledger.ts';

/** ControllerExpandVolume: the promise and the outer size; `grow` stays set until the file system inside has followed. */
export async function expandVolume(core: PoolCore, args: { uuid: string; sizeBytes: bigint }): Promise<ObjectRow> {
  const row = findObject(core, 'volume', args.uuid);
  if (row.sizeBytes >= args.sizeBytes) return row;
  return holding(core, 'ControllerExpandVolume', [row.uuid], async () => {
    requirePresent(core, row);
    const addedBytes = args.sizeBytes - row.sizeBytes;
    const free = core.room.availableBytes();
    if (addedBytes > free) throw noRoom(core, free, addedBytes);
    // Durable: a power cut must not leave a volume that is larger than anybody knows.
    await commitStep(core, 'expand.intent', () => core.ledger.updateObject({ ...row, chargedBytes: args.sizeBytes }));
    try {
      core.step('expand.grow', () => core.backend.resize(placeOf(core, row), row, args.sizeBytes));
    } catch (error) {
      await writeStep(core, 'expand.commit', () => core.ledger.updateObject(row));
      if (errorCode(error) === 'ENOSPC') throw noRoom(core, core.room.figures().freeBytes, addedBytes);
      throw error;
    }
    const grown = expanded(core, row, args.sizeBytes);
    await commitStep(core, 'expand.commit', () => core.ledger.updateObject(grown));
    return grown;
  });
}

/** The row after its size has changed. */
export const expanded = (core: PoolCore, row: ObjectRow, sizeBytes: bigint): ObjectRow => ({
  ...row,
  sizeBytes,
  chargedBytes: sizeBytes,
  grow: row.content !== 'block' && core.backend.growsFilesystem,
});

/** NodeExpandVolume: grows the mounted file system to what the volume has become. */
export async function expandNode(core: PoolCore, args: { uuid: string; path: string }): Promise<{ sizeBytes: bigint }> {
  const row = findObject(core, 'volume', args.uuid);
  const { mounts } = mountsOf(core, row);
  if (row.content !== 'block' && !mounts.some((mount) => mount.mountPoint === args.path)) {
    throw new BerthError('VOLUME_PATH_UNKNOWN', { id: fullId(core, row.uuid), path: args.path });
  }
  if (row.grow) await holding(core, 'NodeExpandVolume', [row.uuid], () => growFilesystem(core, row, args.path));
  return { sizeBytes: row.sizeBytes };
}

export async function growFilesystem(core: PoolCore, row: ObjectRow, mountedAt: string): Promise<void> {
  await core.step('expand.filesystem', () => core.backend.growFilesystem?.(placeOf(core, row), row, mountedAt));
  await commitStep(core, 'expand.commit', () => core.ledger.updateObject({ ...row, grow: false }));
}

function requirePresent(core: PoolCore, row: ObjectRow): void {
  if (verifyToken(core, row, placeOf(core, row))) return;
  throw new BerthError('VOLUME_DAMAGED', { id: fullId(core, row.uuid), problem: 'its data is not on the pool' });
}

const noRoom = (core: PoolCore, free: bigint, needed: bigint) =>
  new BerthError('EXPAND_NO_ROOM', { pool: core.spec.name, free, needed });
