/** An amount of memory that is shared: who takes of it what is not there waits, in line. */
export interface Budget {
  readonly usedBytes: number;
  readonly maxBytes: number;
  /** Takes without asking, for what is in memory already. */
  take(bytes: number): void;
  acquire(bytes: number): Promise<void>;
  release(bytes: number): void;
}

export function createBudget(maxBytes: number): Budget {
  let usedBytes = 0;
  const waiting: { bytes: number; go: () => void }[] = [];
  /** One that alone is more than all there is gets its turn when nothing else is out. */
  const fits = (bytes: number): boolean => usedBytes === 0 || usedBytes + bytes <= maxBytes;
  return {
    get usedBytes() {
      return usedBytes;
    },
    maxBytes,
    take(bytes) {
      usedBytes += bytes;
    },
    async acquire(bytes) {
      if (waiting.length === 0 && fits(bytes)) usedBytes += bytes;
      else await new Promise<void>((go) => waiting.push({ bytes, go }));
    },
    release(bytes) {
      usedBytes -= bytes;
      for (let next = waiting[0]; next !== undefined && fits(next.bytes); next = waiting[0]) {
        waiting.shift();
        usedBytes += next.bytes;
        next.go();
      }
    },
  };
}
