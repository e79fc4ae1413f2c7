import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ObjectRow } from '../../../src/pools/ledger.ts';
import { MIB } from './bench.ts';
import { useImagePool } from './image-bench.ts';

const BLOCK = { content: 'block', sizeBytes: 40n * MIB } as const;

describe('where blocks cannot be shared', () => {
  const pool = useImagePool('ext4');

  /** A raw volume, or a snapshot of it, whose every MiB begins with its own number. */
  async function numbered(kind: ObjectRow['kind']): Promise<ObjectRow> {
    const row = await pool.bench.create(BLOCK);
    writeAt(
      pool.file(row),
      Array.from({ length: 40 }, (_, index) => [index << 20, Buffer.alloc(1 << 20, index + 1)]),
    );
    return kind === 'volume' ? row : pool.bench.copy(row, { kind });
  }

  /** Copies until `chunks` chunks are noted on the target, and is cut short there. */
  async function cutShort(source: ObjectRow, chunks: number): Promise<ObjectRow> {
    const row = pool.bench.rowOf(BLOCK);
    const abort = new AbortController();
    let calls = 0;
    await expect(
      copy(source, row, { signal: abort.signal, progress: () => ++calls > chunks && abort.abort() }),
    ).rejects.toThrow(/abort/);
    return row;
  }

  async function copy(
    source: ObjectRow,
    row: ObjectRow,
    { signal, progress = () => {} }: { signal?: AbortSignal; progress?: (doneBytes: bigint) => void } = {},
  ): Promise<ObjectRow> {
    const from = { row: source, place: pool.bench.placeOf(source) };
    const spec = { ...row, readOnly: false, ...(signal && { signal }) };
    const made = await pool.bench.backend.copy(from, pool.bench.placeOf(row), spec, progress);
    return { ...row, identity: made.identity };
  }

  it('says so', () => {
    expect(pool.bench.backend.snapshotKind).toBe('copy');
  });

  it('goes on where a copy of a snapshot was cut short', async () => {
    const source = await numbered('snapshot');
    const row = await cutShort(source, 2);
    const token = pool.bench.backend.identify(pool.bench.placeOf(row));
    writeAt(pool.file(row), [[0, Buffer.from('seen')]]);
    const done: bigint[] = [];
    const finished = await copy(source, row, { progress: (bytes) => done.push(bytes) });
    expect(done[0]).toBe(16n * MIB);
    expect(done.at(-1)).toBe(40n * MIB);
    expect(finished.identity).toBe(token);
    const [copied, original] = [pool.read(row), pool.read(source)];
    expect(copied.toString('utf8', 0, 4)).toBe('seen'); // what was copied before was not copied again
    expect(copied.subarray(4).equals(original.subarray(4))).toBe(true);
  });

  it('begins again when the source may have changed', async () => {
    const source = await numbered('volume');
    const row = await cutShort(source, 2);
    writeAt(pool.file(row), [[0, Buffer.from('seen')]]);
    await copy(source, row);
    expect(pool.read(row).equals(pool.read(source))).toBe(true);
  });

  it('leaves the thread to other work between chunks', async () => {
    const source = await numbered('volume');
    let turns = 0;
    let copying = true;
    const turn = (): void => {
      turns += 1;
      if (copying) setImmediate(turn);
    };
    turn();
    await copy(source, pool.bench.rowOf(BLOCK));
    copying = false;
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it('copies what is written and not the holes between', async () => {
    const sizeBytes = 128n * MIB;
    const source = await pool.bench.create({ content: 'block', sizeBytes });
    const pieces = Array.from({ length: 1_500 }, (_, index): [number, Buffer] => [
      index * 80_000,
      Buffer.from(`piece ${index}`),
    ]);
    writeAt(pool.file(source), pieces);
    const clone = await pool.bench.copy(source);
    expect(pool.read(clone).equals(pool.read(source))).toBe(true);
    expect(pool.bench.backend.heldBytes(pool.bench.placeOf(clone), clone)).toBeLessThan(16n * MIB);
    await pool.bench.free(source);
    await pool.bench.free(clone);
  });

  it('has room for the whole of a thick copy before it starts', async () => {
    const source = await pool.bench.create({ content: 'block', sizeBytes: 8n * MIB });
    const clone = await pool.bench.copy(source, { thin: false });
    expect(pool.bench.backend.heldBytes(pool.bench.placeOf(clone), clone)).toBeGreaterThanOrEqual(8n * MIB);
    await expect(pool.bench.copy(source, { thin: false, sizeBytes: 4096n * MIB })).rejects.toThrow(/ENOSPC/);
  });
});

describe.each(['xfs', 'btrfs'] as const)('where blocks are shared, on %s', (filesystem) => {
  const pool = useImagePool(filesystem);

  it('says so', () => {
    expect(pool.bench.backend.snapshotKind).toBe('instant');
  });

  it('takes no space for the data, but knows what a copy can come to hold', async () => {
    const row = await pool.bench.create(BLOCK);
    writeAt(pool.file(row), [[0, Buffer.alloc(32 << 20, 'berth')]]);
    const before = pool.bench.freeBytes();
    const snapshot = await pool.bench.copy(row, { kind: 'snapshot' });
    expect(before - pool.bench.freeBytes()).toBeLessThan(2n * MIB);
    expect(pool.bench.backend.heldBytes(pool.bench.placeOf(snapshot), snapshot)).toBeGreaterThanOrEqual(32n * MIB);
    expect(pool.read(snapshot).equals(pool.read(row))).toBe(true);
  });

  it('makes up the rest of a thick copy', async () => {
    const row = await pool.bench.create({ content: 'block', sizeBytes: 8n * MIB });
    writeAt(pool.file(row), [[0, Buffer.alloc(1 << 20, 'berth')]]);
    const clone = await pool.bench.copy(row, { thin: false, sizeBytes: 16n * MIB });
    expect(BigInt(statSync(pool.file(clone)).size)).toBe(16n * MIB);
    expect(pool.bench.backend.heldBytes(pool.bench.placeOf(clone), clone)).toBeGreaterThanOrEqual(16n * MIB);
    expect(
      pool
        .read(clone)
        .subarray(0, 8 << 20)
        .equals(pool.read(row)),
    ).toBe(true);
  });
});

function writeAt(file: string, pieces: [position: number, data: Buffer][]): void {
  const fd = openSync(file, 'r+');
  for (const [position, data] of pieces) writeSync(fd, data, 0, data.length, position);
  closeSync(fd);
}
