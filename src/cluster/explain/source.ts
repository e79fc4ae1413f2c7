import { parseId } from '../../volumes/ids.ts';
import { type Check, type ClaimFacts, selectedNode } from './facts.ts';
import { whyNot } from './fit.ts';

/** What the claim is to be filled from is missing, not ready, or where its pod cannot go. */
export const checkSource: Check = (facts) => {
  const { source } = facts;
  if (source === undefined) return undefined;
  const what = `${source.kind} ${source.name}`;
  if (source.state === 'missing') {
    return {
      code: 'SOURCE_MISSING',
      cause: `the claim is to be filled from ${what}, which does not exist in its namespace`,
      advice: ['make that first, or correct dataSource in a claim made anew'],
      evidence: [],
    };
  }
  if (source.state === 'pending') {
    return {
      code: 'SOURCE_NOT_READY',
      cause: `the claim is to be filled from ${what}, which is not ready yet`,
      advice: ['wait for it; if it stays so, look at it with `kubectl describe`'],
      evidence: source.message ? [source.message] : [],
    };
  }
  const poolId = source.handle && parseId(source.handle)?.poolId;
  if (!poolId) return undefined;
  const holder = holderOf(facts, poolId);
  if (holder === undefined) {
    return {
      code: 'SOURCE_AWAY',
      cause: `the claim is to be filled from ${what}, whose data is on a pool that no node has that answers`,
      advice: ['bring back the node that has the pool; see `berth --kube node list`'],
      evidence: [`pool ${poolId}`],
    };
  }
  const selected = selectedNode(facts);
  const refusals = (facts.pods ?? []).flatMap((pod) =>
    whyNot(facts, holder, pod).map((why) => `pod ${pod.metadata?.name}: ${why}`),
  );
  if ((selected === undefined || selected === holder) && refusals.length === 0) return undefined;
  return {
    code: 'SOURCE_ELSEWHERE',
    cause:
      selected !== undefined && selected !== holder
        ? `the data of ${what} is on node ${holder}, and the pod was sent to ${selected}: a copy is made where its source is`
        : `the data of ${what} is on node ${holder}, and the pod cannot go there`,
    advice: [`let the pod go to ${holder}, for example by its nodeSelector kubernetes.io/hostname: ${holder}`],
    evidence: refusals,
  };
};

/** The node whose pool it is. */
export const holderOf = ({ daemons }: ClaimFacts, poolId: string): string | undefined =>
  daemons.find((answer) => 'value' in answer && answer.value.pools.some(({ id }) => id === poolId))?.node;
