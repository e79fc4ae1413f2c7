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

/**
 * How long a sync waits for as many operations as shared the last one. Without it callers that come back right after a
 * sync fall into two groups, each of which waits for the other's.
 */
const GATHER_MS = 2;

export function createGroupCommit(
  ledger: Pick<Ledger, 'commit'>,
  sync: () => void,
  /** A ledger that cannot be written leaves the pool in doubt: the thread must end and reconcile. */
  onFatal: (error: unknown) => void,
): GroupCommit {
  let written: PromiseWithResolvers<void>[] = [];
  let durable: PromiseWithResolvers<void>[] = [];
  let lastShared = 0;
  let gathering: NodeJS.Timeout | undefined;
  let scheduled = false;
  let failed = false;

  const flush = (withSync: boolean): void => {
    if (failed) return;
    const done = withSync ? [...written, ...durable] : written;
    try {
      ledger.commit();
      written = [];
      if (withSync) {
        lastShared = durable.length;
        durable = [];
        sync();
      }
    } catch (error) {
      // Nobody is answered: whether the commit is on the disk is for reconciliation to see.
      failed = true;
      onFatal(error);
      return;
    }
    for (const { resolve } of done) resolve();
  };

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      const enough = durable.length > 0 && durable.length >= lastShared;
      if (enough) {
        clearTimeout(gathering);
        gathering = undefined;
      } else if (durable.length > 0) {
        gathering ??= setTimeout(() => {
          gathering = undefined;
          flush(true);
        }, GATHER_MS);
      }
      if (enough || written.length > 0) flush(enough);
    });
  };

  return {
    written() {
      const waiter = Promise.withResolvers<void>();
      written.push(waiter);
      schedule();
      return waiter.promise;
    },
    durable() {
      const waiter = Promise.withResolvers<void>();
      durable.push(waiter);
      schedule();
      return waiter.promise;
    },
  };
}
