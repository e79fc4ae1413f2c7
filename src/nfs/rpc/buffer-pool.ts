/**
 * Large buffers that are used again: the kernel would have to clear fresh pages for each, and the garbage collector does
 * not hurry for what lies outside its heap.
 */
export interface BufferPool {
  take(bytes: number): Buffer;
  /** Takes back a buffer of this pool, or a piece of one from its start; others are left alone. */
  give(buffer: Buffer): void;
}

const SMALLEST_BYTES = 4096;
/** Sizes are multiples of this one, powers of two below it. */
const STEP_BYTES = 65_536;

const sizeFor = (bytes: number): number =>
  bytes > STEP_BYTES ? Math.ceil(bytes / STEP_BYTES) * STEP_BYTES : 2 ** Math.ceil(Math.log2(bytes));

/** Keeps up to `maxBytes` for later. */
export function createBufferPool(maxBytes: number): BufferPool {
  const free = new Map<number, ArrayBufferLike[]>();
  const own = new WeakSet<ArrayBufferLike>();
  let keptBytes = 0;
  return {
    take(bytes) {
      if (bytes < SMALLEST_BYTES) return Buffer.allocUnsafe(bytes);
      const size = sizeFor(bytes);
      const kept = free.get(size)?.pop();
      if (kept !== undefined) {
        keptBytes -= size;
        own.add(kept);
        return Buffer.from(kept, 0, bytes);
      }
      const { buffer } = Buffer.allocUnsafeSlow(size);
      own.add(buffer);
      return Buffer.from(buffer, 0, bytes);
    },
    give({ buffer }) {
      // Whoever gives a buffer back twice must not make two owners of it.
      if (!own.delete(buffer)) return;
      const size = buffer.byteLength;
      if (keptBytes + size > maxBytes) return;
      keptBytes += size;
      const kept = free.get(size);
      if (kept === undefined) free.set(size, [buffer]);
      else kept.push(buffer);
    },
  };
}
