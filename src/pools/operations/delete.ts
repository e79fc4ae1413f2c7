import { BerthError } from '../../errors.ts';
import { mountsInAllNamespaces } from '../../host/namespaces.ts';
import { commitStep, fullId, holding, type PoolCore, placeOf, verifyToken, writeStep } from '../core.ts';
import { homeOf } from '../layout.ts';
import type { ObjectRow } from '../ledger.ts';
import { freeLater } from './free.ts';
import { moveObject } from './make.ts';

/**
 * DeleteVolume and DeleteSnapshot: refuses what anybody uses, moves it out of the way, answers, and frees in the
 * background. One that is gone is fine.
 */
export async function deleteObject(core: PoolCore, args: { kind: ObjectRow['kind']; uuid: string }): Promise<void> {
  const row = core.ledger.object(args.uuid);
  if (row?.kind !== args.kind || row.state === 'deleting') return;
  if (row.groupUuid !== undefined) {
    throw new BerthError('SNAPSHOT_IN_GROUP', { id: fullId(core, row.uuid), group: fullId(core, row.groupUuid) });
  }
  await holding(core, row.kind === 'volume' ? 'DeleteVolume' : 'DeleteSnapshot', [row.uuid], () =>
    discard(core, [row]),
  );
}

/**
 * The steps of a delete, for a caller that holds the objects. All of them go or, when one is refused, none; `alsoForget`
 * writes what goes with them in the same commit.
 */
export async function discard(core: PoolCore, rows: readonly ObjectRow[], alsoForget = (): void => {}): Promise<void> {
  const present = rows.filter((row) => verifyToken(core, row, placeOf(core, row)));
  for (const row of present) refuseUsed(core, row);
  const doomed = rows.map((row): ObjectRow => ({ ...row, state: 'deleting' }));
  await writeStep(core, 'delete.intent', () => {
    doomed.forEach(core.ledger.updateObject);
    alsoForget();
  });
  for (const row of present) core.step('delete.move', () => moveObject(core, row, homeOf(row.kind), 'trash'));
  await commitStep(core, 'delete.commit', () => {});
  for (const row of doomed) freeLater(core, row);
}

/** What is staged, published or mounted in any mount namespace of the host is not deleted. */
function refuseUsed(core: PoolCore, row: ObjectRow): void {
  const place = placeOf(core, row);
  const device = core.backend.attachedDevice?.(place, row);
  const mounts = core.backend.mountsOf(place, row, mountsInAllNamespaces(), device);
  const users = mounts.map((mount) => mount.mountPoint);
  if (device !== undefined) users.push(device);
  if (users.length === 0) return;
  throw new BerthError('VOLUME_IN_USE', {
    id: fullId(core, row.uuid),
    users: [...new Set(users)].slice(0, 5).join(', '),
  });
}
