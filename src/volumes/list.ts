import type { Pool } from '../pools/manager.ts';
import { fromToken, parseId, toToken } from './ids.ts';
import type { Page } from './model.ts';

/** Asked of each pool at a time when a listing is not limited by its caller. */
const PAGE_SIZE = 1_000;

/**
 * Goes through the pools in the order of their ids, so that pages are stable. A pool that is away makes the listing fail
 * rather than look empty. Throws PAGE_TOKEN_INVALID.
 */
export async function listAcross<T extends { id: string }>(
  pools: readonly Pool[],
  page: { token: string; max: number },
  fetch: (pool: Pool, range: { after?: string; limit: number }) => Promise<T[]>,
): Promise<Page<T>> {
  const start = fromToken(page.token);
  const ordered = pools
    .filter((pool) => pool.id !== undefined && (start === undefined || pool.id >= start.poolId))
    .toSorted((a, b) => (a.id! < b.id! ? -1 : 1));
  const items: T[] = [];
  for (const pool of ordered) {
    let after = start?.poolId === pool.id ? start?.uuid : undefined;
    for (;;) {
      // One more than fits tells whether there is a next page.
      const limit = page.max === 0 ? PAGE_SIZE : Math.min(PAGE_SIZE, page.max - items.length + 1);
      const found = await fetch(pool, after === undefined ? { limit } : { after, limit });
      items.push(...found);
      if (page.max > 0 && items.length > page.max) {
        const kept = items.slice(0, page.max);
        return { items: kept, next: toToken(kept.at(-1)!.id) };
      }
      if (found.length < limit) break;
      after = parseId(found.at(-1)!.id)!.uuid;
    }
  }
  return { items };
}
