import { formatBytes } from '../../config/quantity.ts';
import { berthClassOf, type Check, wantedBytes } from './facts.ts';
import { poolClassOf, poolsOfClass } from './pools-of-class.ts';

/** No pool of the claim's class exists, or none can ever give what is asked. Says nothing while a node is silent. */
export const checkOffers: Check = (facts) => {
  const found = berthClassOf(facts);
  const nodes = poolsOfClass(facts);
  if (found === undefined || nodes.length === 0) return undefined;
  const pools = nodes.flatMap((one) => one.pools.map((pool) => ({ node: one.node, pool })));
  const silent = nodes.filter(({ silence }) => silence !== undefined);
  if (silent.length > 0) return undefined;
  const poolClass = poolClassOf(facts);
  if (pools.length === 0) {
    const known = new Set(facts.daemons.flatMap((one) => ('error' in one ? [] : one.value.pools.map((p) => p.class))));
    return {
      code: 'POOL_CLASS_NOWHERE',
      cause: poolClass === undefined ? 'no node has a pool' : `no node has a pool of class ${poolClass}`,
      advice: ['give a node such a pool (groups[].pools of the chart, or `berth disk adopt`), or correct poolClass'],
      evidence: [`pool classes of the nodes: ${[...known].join(', ') || 'none'}`],
    };
  }
  if (
    facts.claim.spec?.volumeMode === 'Block' &&
    pools.every(({ pool }) => pool.state === 'ready' && !pool.blockVolumes)
  ) {
    return {
      code: 'BLOCK_UNSUPPORTED',
      cause: `the claim asks for a raw block device, and no pool of class ${poolClass ?? '(any)'} can give one`,
      advice: ['use a class of pools with the backend image, or volumeMode: Filesystem'],
      evidence: pools.map(({ node, pool }) => `${node}: pool ${pool.name} is ${pool.backend}`),
    };
  }
  const wanted = wantedBytes(facts);
  const usable = pools.map(({ pool }) => pool).filter(({ state }) => state === 'ready');
  if (wanted === undefined || usable.length < pools.length) return undefined;
  if (usable.every(({ totalBytes, reserveBytes }) => totalBytes - reserveBytes < wanted)) {
    return {
      code: 'TOO_LARGE',
      cause: `the claim asks for ${formatBytes(wanted)}, which is more than any pool of its class could hold, even empty`,
      advice: ['ask for less, or add a larger disk; the size of a claim cannot be lowered, so make it anew'],
      evidence: pools.map(
        ({ node, pool }) =>
          `${node}: pool ${pool.name} holds ${formatBytes(pool.totalBytes - pool.reserveBytes)} at most`,
      ),
    };
  }
  return undefined;
};
