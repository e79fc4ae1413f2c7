import { BerthError } from '../../errors.ts';
import { renameNoReplace } from '../../host/files.ts';
import { errorCode } from '../../host/libc.ts';
import type { Made, Place } from '../backend.ts';
import { commitStep, type PoolCore, placeOf, writeStep } from '../core.ts';
import { type Folder, homeOf } from '../layout.ts';
import type { ObjectRow } from '../ledger.ts';
import { discardUnfinished } from './free.ts';

/**
 * How every volume and snapshot comes to be: the intent in the ledger, the object in staging, the commit, and only then
 * the move to its place. What is cut short before the commit is rolled back at the next start, after it the move is
 * made up for; so nothing acknowledged is lost and nothing unacknowledged stays.
 */
export async function makeObject(
  core: PoolCore,
  verb: 'create' | 'snapshot' | 'clone',
  row: ObjectRow,
  fill: (staging: Place) => Promise<Made> | Made,
): Promise<ObjectRow> {
  await writeStep(core, `${verb}.intent`, () => core.ledger.insertObject(row));
  const staging = placeOf(core, row, 'staging');
  let ready: ObjectRow;
  try {
    const made = await fill(staging);
    const chargedBytes = row.kind === 'snapshot' ? made.heldBytes : row.chargedBytes;
    if (chargedBytes > row.chargedBytes) core.room.require(chargedBytes - row.chargedBytes);
    ready = { ...row, state: 'ready', identity: made.identity, number: made.number, chargedBytes };
  } catch (error) {
    await discardUnfinished(core, row);
    throw translateNoSpace(core, row, error);
  }
  await commitStep(core, `${verb}.commit`, () => core.ledger.updateObject(ready));
  core.step(`${verb}.place`, () => moveObject(core, ready, 'staging', homeOf(ready.kind)));
  return ready;
}

/** Moves an object between the pool's folders; what is not there stays so, and the result tells. */
export function moveObject(core: PoolCore, row: ObjectRow, from: Folder, to: Folder): boolean {
  const source = placeOf(core, row, from);
  const target = placeOf(core, row, to);
  const guard = row.kind === 'snapshot' ? core.backend.setReadOnly : undefined;
  try {
    if (from === homeOf(row.kind)) guard?.(source, false);
    renameNoReplace(source.dirFd, source.name, target.dirFd, target.name);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  if (to === homeOf(row.kind)) guard?.(target, true);
  return true;
}

function translateNoSpace(core: PoolCore, row: ObjectRow, error: unknown): unknown {
  const code = errorCode(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new BerthError(
    'POOL_NO_ROOM',
    { class: core.spec.class, needed: row.chargedBytes, free: core.room.figures().freeBytes },
    { cause: error },
  );
}
