/**
 * Large buffers that are used again: the kernel would have to clear fresh pages for each, and the garbage collector does
 * not hurry for what lies outside its heap.
 */
export interface BufferPool {
  take(bytes: number): Buffer;
  /** Takes back a buffer of this pool, or a piece of one from its start; others are left alone. */
  give(buffer: Buffer): void;
  /** Lets go of what nobody has needed since the last time. */
  trim(): void;
}

const SMALLEST_BYTES = 4096;
/** Sizes are multiples of this one, powers of two below it. */
const STEP_BYTES = 65_536;

const sizeFor = (bytes: number): number =>
  bytes > STEP_BYTES ? Math.ceil(bytes / STEP_BYTES) * STEP_BYTES : 2 ** Math.ceil(Math.log2(bytes));

/** Keeps up to `maxBytes` for later. */
export function createBufferPool(maxBytes: number): BufferPool {
  /** By size; `idle` is the least that have been there since the last trim. */
  const free = new Map<number, { buffers: ArrayBufferLike[]; idle: number }>();
  const own = new WeakSet<ArrayBufferLike>();
  let keptBytes = 0;
  return {
    take(bytes) {
      if (bytes < SMALLEST_BYTES) return Buffer.allocUnsafe(bytes);
      const size = sizeFor(bytes);
      const shelf = free.get(size);
      const kept = shelf?.buffers.pop();
      if (shelf !== undefined && kept !== undefined) {
        keptBytes -= size;
        shelf.idle = Math.min(shelf.idle, shelf.buffers.length);
      }
      const buffer = kept ?? Buffer.allocUnsafeSlow(size).buffer;
      own.add(buffer);
      return Buffer.from(buffer, 0, bytes);
    },
    give({ buffer }) {
      // Whoever gives a buffer back twice must not make two owners of it.
      if (!own.delete(buffer)) return;
      const size = buffer.byteLength;
      if (keptBytes + size > maxBytes) return;
      keptBytes += size;
      const shelf = free.get(size);
      if (shelf === undefined) free.set(size, { buffers: [buffer], idle: 0 });
      else shelf.buffers.push(buffer);
    },
    trim() {
      for (const [size, shelf] of free) {
        keptBytes -= shelf.idle * size;
        shelf.buffers.splice(0, shelf.idle);
        shelf.idle = shelf.buffers.length;
      }
    },
  };
}
