import type { Ledger } from './ledger.ts';

/**
 * Lets operations that run side by side share one ledger commit and one syncfs. An operation writes to the ledger and
 * awaits `written` (safe from SIGKILL) or `durable` (safe from power loss); the flush comes when every operation that
 * can run has reached such a point, so a batch of any size costs the same two flushes.
 */
export interface GroupCommit {
  written(): Promise<void>;
  durable(): Promise<void>;
}

export function createGroupCommit(
  ledger: Pick<Ledger, 'commit'>,
  sync: () => void,
  /** A ledger that cannot be written leaves the pool in doubt: the thread must end and reconcile. */
  onFatal: (error: unknown) => void,
): GroupCommit {
  let waiters: { durable: boolean; settle: PromiseWithResolvers<void> }[] = [];
  let failed = false;

  const flush = (): void => {
    if (failed) return;
    const batch = waiters;
    waiters = [];
    try {
      ledger.commit();
      if (batch.some((waiter) => waiter.durable)) sync();
    } catch (error) {
      // Nobody is answered: whether the commit is on the disk is for reconciliation to see.
      failed = true;
      onFatal(error);
      return;
    }
    for (const waiter of batch) waiter.settle.resolve();
  };

  const wait = (durable: boolean): Promise<void> => {
    const settle = Promise.withResolvers<void>();
    if (waiters.length === 0) setImmediate(flush);
    waiters.push({ durable, settle });
    return settle.promise;
  };
  return { written: () => wait(false), durable: () => wait(true) };
}
