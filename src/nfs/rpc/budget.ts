/**
 * Memory for answers, which connections share. One may have up to half of what the others leave, so that there is always
 * some for whoever comes next, however many hold on to theirs; who may not have more waits.
 */
export interface Budget {
  readonly usedBytes: number;
  /** Whether anybody waits. */
  readonly isShort: boolean;
  openShare(): Share;
}

export interface Share {
  acquire(bytes: number): Promise<void>;
  release(bytes: number): void;
  /** Nobody of this share waits any longer. */
  close(): void;
}

export function createBudget({ maxBytes, maxShareBytes }: { maxBytes: number; maxShareBytes: number }): Budget {
  type Line = { usedBytes: number; waiting: { bytes: number; go: () => void }[] };
  let usedBytes = 0;
  const lines = new Set<Line>();

  /** One that has nothing gets what there is; and even more than all there is, when nothing else is out. */
  const fits = (line: Line, bytes: number): boolean =>
    line.usedBytes === 0
      ? usedBytes === 0 || usedBytes + bytes <= maxBytes
      : line.usedBytes + bytes <= Math.min(maxShareBytes, (maxBytes - usedBytes) / 2);
  const use = (line: Line, bytes: number): void => {
    line.usedBytes += bytes;
    usedBytes += bytes;
  };
  const serve = (): void => {
    for (const line of lines) {
      for (let next = line.waiting[0]; next !== undefined && fits(line, next.bytes); next = line.waiting[0]) {
        line.waiting.shift();
        use(line, next.bytes);
        next.go();
      }
      if (line.waiting.length === 0) lines.delete(line);
    }
  };

  return {
    get usedBytes() {
      return usedBytes;
    },
    get isShort() {
      return lines.size > 0;
    },
    openShare() {
      const line: Line = { usedBytes: 0, waiting: [] };
      return {
        async acquire(bytes) {
          if (line.waiting.length === 0 && fits(line, bytes)) return use(line, bytes);
          lines.add(line);
          await new Promise<void>((go) => line.waiting.push({ bytes, go }));
        },
        release(bytes) {
          use(line, -bytes);
          if (lines.size > 0) serve();
        },
        close() {
          lines.delete(line);
          for (const { bytes, go } of line.waiting.splice(0)) {
            use(line, bytes);
            go();
          }
        },
      };
    },
  };
}
