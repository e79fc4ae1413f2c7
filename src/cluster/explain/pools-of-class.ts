import type { PoolStatus } from '../../volumes/model.ts';
import { berthClassOf, type ClaimFacts } from './facts.ts';

/** What a node has for the claim's class. */
export interface NodePools {
  node: string;
  pools: PoolStatus[];
  /** Why the daemon said nothing. */
  silence?: string | undefined;
}

/** The pool class that the StorageClass names; undefined when it leaves it to the node. */
export const poolClassOf = (facts: ClaimFacts): string | undefined => berthClassOf(facts)?.parameters?.['poolClass'];

export function poolsOfClass(facts: ClaimFacts): NodePools[] {
  const wanted = poolClassOf(facts);
  return facts.daemons.map((answer) =>
    'error' in answer
      ? { node: answer.node, pools: [], silence: answer.error.message }
      : {
          node: answer.node,
          pools: answer.value.pools.filter((pool) => wanted === undefined || pool.class === wanted),
        },
  );
}
