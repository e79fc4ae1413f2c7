import { subvolumeExists, sync } from '../../host/btrfs.ts';

/** Between two looks: soon at first, since an empty subvolume is gone at once, then less often. */
const POLL_MS = { first: 10, most: 200 };

interface Waiter {
  numbers: bigint[];
  dropped: boolean;
  settle: PromiseWithResolvers<void>;
}

/**
 * Tells when destroyed subvolumes have really given their space back: the kernel's cleaner does that in its own time.
 * One timer serves all who wait, and each turn pokes the cleaner once.
 */
export function watchCleaner(rootFd: number): { gone(numbers: bigint[]): Promise<void> } {
  let waiting: Waiter[] = [];
  let timer: NodeJS.Timeout | undefined;
  let pollMs = POLL_MS.first;

  const isFree = (one: Waiter): boolean => {
    if (one.numbers.some((number) => subvolumeExists(rootFd, number))) return false;
    if (one.dropped) return true;
    one.dropped = true; // the next sync brings its quota group down to zero
    return false;
  };
  const look = (): void => {
    timer = undefined;
    try {
      sync(rootFd);
      waiting = waiting.filter((one) => {
        const free = isFree(one);
        if (free) one.settle.resolve();
        return !free;
      });
    } catch (error) {
      for (const { settle } of waiting) settle.reject(error);
      waiting = [];
    }
    pollMs = Math.min(pollMs * 2, POLL_MS.most);
    if (waiting.length > 0) timer = setTimeout(look, pollMs);
  };

  return {
    gone(numbers) {
      const settle = Promise.withResolvers<void>();
      waiting.push({ numbers, dropped: false, settle });
      if (timer === undefined) {
        pollMs = POLL_MS.first;
        timer = setTimeout(look, pollMs);
      }
      return settle.promise;
    },
  };
}
