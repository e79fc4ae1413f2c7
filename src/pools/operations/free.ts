import { setTimeout as delay } from 'node:timers/promises';
import { commitStep, type PoolCore, placeOf, verifyToken, writeStep } from '../core.ts';
import { runJob } from '../jobs.ts';
import type { ObjectRow } from '../ledger.ts';
import { moveObject } from './make.ts';

/** Objects that are freed at a time; more of them wait their turn. */
const FREED_AT_ONCE = 32;
const RETRY_MS = [1_000, 5_000, 30_000, 60_000];

/** Takes back a create that did not come to its commit. */
export async function discardUnfinished(core: PoolCore, row: ObjectRow): Promise<void> {
  const doomed: ObjectRow = { ...row, state: 'deleting' };
  await writeStep(core, 'delete.intent', () => core.ledger.updateObject(doomed));
  core.step('delete.move', () => moveObject(core, row, 'staging', 'trash'));
  freeLater(core, doomed);
}

const queues = new WeakMap<PoolCore, { running: number; waiting: ObjectRow[] }>();

/** Frees what is in the trash, in the background; its space counts until that is done. */
export function freeLater(core: PoolCore, row: ObjectRow): void {
  const queue = queues.get(core) ?? { running: 0, waiting: [] };
  queues.set(core, queue);
  queue.waiting.push(row);
  const next = (): void => {
    while (queue.running < FREED_AT_ONCE) {
      const row = queue.waiting.shift();
      if (row === undefined) return;
      queue.running += 1;
      void freeObject(core, row).finally(() => {
        queue.running -= 1;
        next();
      });
    }
  };
  next();
}

/** Tries until it succeeds: an object in the trash has no other way to go. */
async function freeObject(core: PoolCore, row: ObjectRow): Promise<void> {
  const trash = placeOf(core, row, 'trash');
  for (let attempt = 0; ; attempt++) {
    try {
      await core.step('delete.free', () =>
        runJob(
          core,
          { kind: 'free', uuid: row.uuid, totalBytes: row.chargedBytes, cancellable: false },
          async (progress) => {
            verifyToken(core, row, trash);
            await core.backend.free(trash, row, progress);
          },
        ),
      );
      await commitStep(core, 'delete.forget', () => core.ledger.removeObject(row.uuid));
      return;
    } catch (error) {
      core.log('error', 'freeing failed, will be tried again', { object: row.uuid, cause: String(error) });
      await delay(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)], undefined, { ref: false });
    }
  }
}
