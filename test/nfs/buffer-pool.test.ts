import { expect, it } from 'vitest';
import { createBufferPool } from '../../src/nfs/rpc/buffer-pool.ts';

const SIZE = 65_536;

it('uses a buffer again, and makes no two owners of one that is given twice', () => {
  const pool = createBufferPool(4 * SIZE);
  const first = pool.take(SIZE);
  pool.give(first);
  pool.give(first);
  const second = pool.take(SIZE - 100);
  expect(second.buffer).toBe(first.buffer);
  expect(second.length).toBe(SIZE - 100);
  expect(pool.take(SIZE).buffer).not.toBe(first.buffer);
});

it('keeps no more than it may', () => {
  const pool = createBufferPool(2 * SIZE);
  const taken = [1, 2, 3].map(() => pool.take(SIZE));
  for (const buffer of taken) pool.give(buffer);
  const again = [1, 2, 3].map(() => pool.take(SIZE));
  expect(again.filter(({ buffer }) => taken.some((one) => one.buffer === buffer)).length).toBe(2);
});

it('lets go of what was not needed from one trim to the next', () => {
  const pool = createBufferPool(4 * SIZE);
  const taken = [1, 2, 3].map(() => pool.take(SIZE));
  for (const buffer of taken) pool.give(buffer);
  pool.trim();
  // One is needed again and again, the others are not.
  pool.give(pool.take(SIZE));
  pool.trim();
  const again = [1, 2, 3].map(() => pool.take(SIZE));
  expect(again.filter(({ buffer }) => taken.some((one) => one.buffer === buffer)).length).toBe(1);
});
