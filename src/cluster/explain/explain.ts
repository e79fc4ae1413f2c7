import { checkBound, checkDeleted, checkVolumeTaken } from './bound.ts';
import { checkAccessModes, checkClass, checkParameters } from './claim-class.ts';
import { checkProvisioning, latestEvents } from './events.ts';
import { type Check, type ClaimFacts, type Finding, nameOf, phaseOf, waitsForPod } from './facts.ts';
import { checkInstalled } from './installed.ts';
import { checkOffers } from './offers.ts';
import { checkPodMissing, checkUnschedulable } from './pods.ts';
import { checkRoom, checkSelectedNode, roomEvidence } from './room.ts';
import { checkSource } from './source.ts';

/** Why a claim is as it is. */
export interface Explanation extends Finding {
  /** `namespace/name` */
  claim: string;
  /** Pending, Bound or Lost. */
  phase: string;
  /** Other things that would stand in the way, with the first one out of it. */
  also: string[];
  unread: readonly string[];
}

/** In this order: what is first explains what comes after it. */
const CHECKS: readonly Check[] = [
  checkDeleted,
  checkBound,
  checkClass,
  checkVolumeTaken,
  checkParameters,
  checkAccessModes,
  checkInstalled,
  checkSource,
  checkOffers,
  checkPodMissing,
  checkSelectedNode,
  checkRoom,
  checkProvisioning,
  checkUnschedulable,
];

export function explainClaim(facts: ClaimFacts): Explanation {
  const findings = CHECKS.flatMap((check) => check(facts) ?? []);
  const [first = nothingFound(facts), ...others] = findings;
  const settled = phaseOf(facts) === 'Bound' || first.code === 'CLAIM_BEING_DELETED';
  return {
    claim: nameOf(facts),
    phase: phaseOf(facts),
    ...first,
    evidence: [...first.evidence, ...(settled ? [] : latestEvents(facts))].filter(
      (one, at, all) => all.indexOf(one) === at,
    ),
    also: settled ? [] : others.filter(({ code }) => code !== first.code).map(({ cause }) => cause),
    unread: facts.unread,
  };
}

const nothingFound = (facts: ClaimFacts): Finding => ({
  code: 'NOTHING_FOUND',
  cause: 'nothing was found that stands in its way',
  advice: ['wait a moment and ask again; then look at the log of the controller and of its provisioner'],
  evidence: [
    'looked at: the claim, its class and parameters, its access and volume modes, its source, its pods, the nodes, the controllers',
    waitsForPod(facts) ? 'the class waits for a pod, and there is one' : 'the class makes the volume at once',
    ...roomEvidence(facts),
  ],
});
