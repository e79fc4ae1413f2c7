import { BerthError } from '../../errors.ts';
import { findObject, fullId, holding, newUuid, type PoolCore } from '../core.ts';
import type { ObjectRow } from '../ledger.ts';
import { copyObject } from './copy.ts';
import { makeObject } from './make.ts';

/** CreateSnapshot: a read-only copy, cut when this returns. The name is the key of idempotency. */
export async function createSnapshot(core: PoolCore, args: { name: string; sourceUuid: string }): Promise<ObjectRow> {
  const existing = core.ledger.objectByName('snapshot', args.name);
  if (existing !== undefined) {
    if (existing.source?.uuid !== args.sourceUuid) throw new BerthError('SNAPSHOT_EXISTS', { name: args.name });
    if (existing.state !== 'ready') {
      throw new BerthError('OPERATION_PENDING', { subject: args.name, operation: 'CreateSnapshot' });
    }
    return existing;
  }
  const source = findObject(core, 'volume', args.sourceUuid);
  const row = snapshotRow(core, source, args.name);
  return holding(core, 'CreateSnapshot', [row.uuid, source.uuid], () =>
    makeObject(core, 'snapshot', row, (staging) => copyObject(core, 'snapshot', source, staging, row)),
  );
}

/** The row of a snapshot to be made of `source`. It is charged in advance where the copy takes its full size. */
export function snapshotRow(core: PoolCore, source: ObjectRow, name: string, groupUuid?: string): ObjectRow {
  if (core.backend.snapshotKind === 'none') {
    throw new BerthError('SNAPSHOT_UNSUPPORTED', {
      id: fullId(core, source.uuid),
      problem: `pools of backend ${core.spec.backend} have no snapshots`,
    });
  }
  const chargedBytes = core.backend.snapshotKind === 'copy' ? source.sizeBytes : 0n;
  core.room.require(chargedBytes);
  return {
    uuid: newUuid(),
    kind: 'snapshot',
    generation: 1,
    name,
    state: 'creating',
    sizeBytes: source.sizeBytes,
    chargedBytes,
    content: source.content,
    parameters: source.parameters,
    ioLimits: {},
    source: { kind: 'volume', uuid: source.uuid },
    groupUuid,
    grow: source.grow, // its clones have the same file system
    createdAt: core.now(),
  };
}
