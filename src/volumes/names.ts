import { BerthError } from '../errors.ts';
import type { Pool } from '../pools/manager.ts';
import type { Opened } from '../pools/protocol.ts';

export type NamedKind = 'volume' | 'snapshot' | 'group';

/**
 * Which pool holds a name: the one thing that no single pool can know. It is rebuilt from the ledgers as pools open, and
 * a stale entry only sends a call to a pool that then makes what was asked for.
 */
export interface Names {
  learn(opened: Opened): void;
  /** The pool that has the name, or is just getting it. */
  holderOf(kind: NamedKind, name: string): Pool | undefined;
  /**
   * Runs `act` on the pool that has the name, else on the one that `choose` gives. A name belongs to a pool from the
   * moment that a call with it is sent there, so that a repeated call finds it again.
   */
  claim<T>(kind: NamedKind, name: string, choose: () => Pool, act: (pool: Pool) => Promise<T>): Promise<T>;
}

export function createNames(pools: () => readonly Pool[]): Names {
  const holders: Record<NamedKind, Map<string, string>> = { volume: new Map(), snapshot: new Map(), group: new Map() };
  const poolOf = (wanted: string | undefined): Pool | undefined =>
    pools().find(({ id }) => id !== undefined && id === wanted);
  return {
    learn(opened) {
      for (const { kind, name } of opened.names) holders[kind].set(name, opened.id);
    },
    holderOf: (kind, name) => poolOf(holders[kind].get(name)),
    async claim(kind, name, choose, act) {
      const holder = holders[kind].get(name);
      const pool = poolOf(holder) ?? choose();
      if (pool.id !== undefined) holders[kind].set(name, pool.id);
      try {
        return await act(pool);
      } catch (error) {
        if (holder === undefined && leftNothing(error)) holders[kind].delete(name);
        throw error;
      }
    },
  };
}

/** Whether a refused call is sure to have left no name behind: after these it may have been carried out. */
const leftNothing = (error: unknown): boolean =>
  error instanceof BerthError && !['POOL_DEADLINE', 'OPERATION_PENDING', 'POOL_UNAVAILABLE'].includes(error.code);
