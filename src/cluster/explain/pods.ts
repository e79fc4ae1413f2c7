import { formatBytes, parseQuantity } from '../../config/quantity.ts';
import { type Check, type ClaimFacts, podName, waitsForPod } from './facts.ts';
import { roomEvidence } from './room.ts';

/** The class waits for a pod, and there is none. */
export const checkPodMissing: Check = (facts) => {
  if (!waitsForPod(facts) || facts.pods === undefined || facts.pods.length > 0) return undefined;
  return {
    code: 'WAITS_FOR_POD',
    cause: 'no pod uses the claim yet, and its class makes the volume where the first pod goes (WaitForFirstConsumer)',
    advice: ['start the pod that uses it. Nothing is wrong so far'],
    evidence: usedUp(facts),
  };
};

/** The scheduler finds no node for the pod, for reasons that are not room. */
export const checkUnschedulable: Check = (facts) => {
  const told = unscheduled(facts);
  if (told.length === 0) return undefined;
  return {
    code: 'POD_UNSCHEDULABLE',
    cause: `the scheduler finds no node for pod ${told[0]!.pod}`,
    advice: ["the scheduler's message says what each node lacks; the claim goes on once the pod has a node"],
    evidence: [...told.map(({ pod, message }) => `pod ${pod}: ${message}`), ...roomEvidence(facts)],
  };
};

export function unscheduled({ pods = [] }: ClaimFacts): { pod: string; message: string }[] {
  return pods.flatMap((pod) => {
    const found = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
    return found === undefined ? [] : [{ pod: podName(pod), message: found.message ?? found.reason ?? '' }];
  });
}

/** Quotas that keep more pods or claims from being made. */
function usedUp({ quotas = [] }: ClaimFacts): string[] {
  return quotas.flatMap(({ metadata, status }) =>
    Object.entries(status?.hard ?? {}).flatMap(([resource, hard]) => {
      const limit = parseQuantity(hard);
      const used = parseQuantity(status?.used?.[resource] ?? '');
      if (limit === undefined || used === undefined || used < limit) return [];
      const words = resource.endsWith('storage') ? [formatBytes(used), formatBytes(limit)] : [used, limit];
      return [`quota ${metadata?.name} is used up: ${resource} ${words[0]} of ${words[1]}`];
    }),
  );
}
