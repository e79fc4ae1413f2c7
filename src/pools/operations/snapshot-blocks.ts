import { BerthError } from '../../errors.ts';
import type { BlockPage } from '../../volumes/model.ts';
import { findObject, fullId, type PoolCore, placeOf } from '../core.ts';

/** A page of what a snapshot holds, or of what has changed since `baseUuid`, a snapshot of the same volume. */
export function snapshotBlocks(
  core: PoolCore,
  args: { uuid: string; baseUuid?: string | undefined; fromBytes: bigint; max: number },
): BlockPage {
  const row = findObject(core, 'snapshot', args.uuid);
  const base = args.baseUuid === undefined ? undefined : findObject(core, 'snapshot', args.baseUuid);
  if (base !== undefined && base.source?.uuid !== row.source?.uuid) {
    throw new BerthError('SNAPSHOTS_UNRELATED', { base: fullId(core, base.uuid), id: fullId(core, row.uuid) });
  }
  if (args.fromBytes > row.sizeBytes) {
    throw new BerthError('OFFSET_OUT_OF_RANGE', {
      offset: args.fromBytes,
      id: fullId(core, row.uuid),
      size: row.sizeBytes,
    });
  }
  const { writtenBlocks, changedBlocks } = core.backend;
  const found =
    base === undefined
      ? writtenBlocks?.(placeOf(core, row), args.fromBytes, args.max)
      : changedBlocks?.(placeOf(core, base), placeOf(core, row), args.fromBytes, args.max);
  if (found === undefined) {
    const problem =
      writtenBlocks === undefined
        ? `volumes of ${core.backend.kind} pools are no block devices`
        : 'snapshots of this pool are full copies, since its file system has no reflinks';
    throw new BerthError('SNAPSHOT_BLOCKS_UNSUPPORTED', { id: fullId(core, row.uuid), problem });
  }
  return { sizeBytes: row.sizeBytes, ...found };
}
