export type NamedKind = 'volume' | 'snapshot' | 'group';

/**
 * Which pool holds a name: the one thing that no single pool can know. It is rebuilt from the ledgers as pools open, and
 * a stale entry only sends a call to a pool that then makes what was asked for.
 */
export function createNameIndex(): {
  find(kind: NamedKind, name: string): string | undefined;
  add(kind: NamedKind, name: string, poolId: string): void;
  remove(kind: NamedKind, name: string): void;
} {
  const pools: Record<NamedKind, Map<string, string>> = { volume: new Map(), snapshot: new Map(), group: new Map() };
  return {
    find: (kind, name) => pools[kind].get(name),
    add: (kind, name, poolId) => void pools[kind].set(name, poolId),
    remove: (kind, name) => void pools[kind].delete(name),
  };
}
