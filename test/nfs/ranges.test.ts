import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexAfter, sortNames } from '../../src/nfs/fs/listing.ts';
import { conflictIn, type Range, withRange } from '../../src/nfs/state/ranges.ts';

const SIZE = 24;
const step = fc.record({
  start: fc.integer({ min: 0, max: SIZE - 1 }),
  length: fc.integer({ min: 1, max: SIZE }),
  kind: fc.constantFrom<Range['kind'] | undefined>('read', 'write', undefined),
});

describe('byte ranges', () => {
  it('are what a model with a cell a byte says', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const cells: (Range['kind'] | undefined)[] = new Array(SIZE * 2).fill(undefined);
        let ranges: Range[] = [];
        for (const { start, length, kind } of steps) {
          cells.fill(kind, start, start + length);
          ranges = withRange(ranges, BigInt(start), BigInt(start + length), kind);
        }
        const got: typeof cells = new Array(SIZE * 2).fill(undefined);
        for (const range of ranges) got.fill(range.kind, Number(range.start), Number(range.end));
        expect(got).toEqual(cells);
        for (const [i, range] of ranges.entries()) {
          const next = ranges[i + 1];
          expect(range.start < range.end).toBe(true);
          if (next !== undefined) expect(range.end < next.start || range.kind !== next.kind).toBe(true);
        }
      }),
    );
  });

  it('conflict when they overlap and one is for writing', () => {
    const held: Range[] = [{ start: 10n, end: 20n, kind: 'read' }];
    expect(conflictIn(held, { start: 0n, end: 11n, kind: 'write' })).toBe(held[0]);
    expect(conflictIn(held, { start: 0n, end: 10n, kind: 'write' })).toBeUndefined();
    expect(conflictIn(held, { start: 12n, end: 13n, kind: 'read' })).toBeUndefined();
  });
});

describe('directory cookies', () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 60 });

  it('grow, are past the reserved ones and the same whatever the order', () => {
    fc.assert(
      fc.property(names, (given) => {
        const { cookies, names: sorted } = sortNames(given);
        expect([...sorted].sort()).toEqual([...given].sort());
        for (let i = 0; i < cookies.length; i++) expect(cookies[i]).toBeGreaterThan(i === 0 ? 2 : cookies[i - 1]!);
        expect(sortNames([...given].reverse())).toEqual({ cookies, names: sorted });
      }),
    );
  });

  it('stay when others come and go', () => {
    fc.assert(
      fc.property(names, (given) => {
        const all = sortNames(given);
        const half = sortNames(given.filter((_, i) => i % 2 === 0));
        const cookieOf = new Map(all.names.map((name, i) => [name, all.cookies[i]]));
        half.names.forEach((name, i) => {
          expect(half.cookies[i]).toBe(cookieOf.get(name));
        });
      }),
    );
  });

  it('tell names of one hash apart', () => {
    const listing = sortNames(['c', 'a', 'b', 'd'], (name) => (name === 'd' ? 7 : 5));
    expect(listing.names).toEqual(['a', 'b', 'c', 'd']);
    expect([...listing.cookies]).toEqual([5, 6, 7, 8]);
    expect(indexAfter(listing, 6)).toBe(2);
    expect(indexAfter(listing, 0)).toBe(0);
    expect(indexAfter(listing, 8)).toBe(4);
  });
});
