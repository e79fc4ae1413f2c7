/** A byte range that one lock-owner has locked; `end` is the first byte behind it. */
export interface Range {
  start: bigint;
  end: bigint;
  kind: 'read' | 'write';
}

/** Behind the last byte that an offset can name. */
export const END = 1n << 64n;

/**
 * `ranges`, which do not touch where they are alike and never overlap, with `start` to `end` made `kind`, or free
 * without it. What was there before is replaced, as POSIX has it.
 */
export function withRange(ranges: readonly Range[], start: bigint, end: bigint, kind?: Range['kind']): Range[] {
  const result: Range[] = [];
  for (const range of ranges) {
    if (range.start < start) result.push({ ...range, end: range.end < start ? range.end : start });
    if (range.end > end) result.push({ ...range, start: range.start > end ? range.start : end });
  }
  if (kind !== undefined) result.push({ start, end, kind });
  result.sort((a, b) => (a.start < b.start ? -1 : 1));
  return result.reduce<Range[]>((merged, range) => {
    const last = merged.at(-1);
    if (last !== undefined && last.end === range.start && last.kind === range.kind) last.end = range.end;
    else merged.push(range);
    return merged;
  }, []);
}

/** The first of the ranges that keeps another owner from locking this one. */
export const conflictIn = (ranges: readonly Range[], wanted: Range): Range | undefined =>
  ranges.find(
    (range) =>
      range.start < wanted.end && wanted.start < range.end && (range.kind === 'write' || wanted.kind === 'write'),
  );
