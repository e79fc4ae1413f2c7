import type { V1Pod } from '@kubernetes/client-node';
import { formatBytes, parseQuantity } from '../../config/quantity.ts';
import { NODE_KEY } from '../../csi/topology.ts';
import {
  berthClassOf,
  type Check,
  type ClaimFacts,
  type Finding,
  podName,
  selectedNode,
  waitsForPod,
  wantedBytes,
} from './facts.ts';
import { whyNot } from './fit.ts';
import { type NodePools, poolsOfClass } from './pools-of-class.ts';

interface Place {
  node: string;
  hasRoom: boolean;
  /** What speaks against the node, but for the room. */
  against: string[];
  /** What the node has, in words. */
  told: string;
}

/** The node that the scheduler has chosen cannot make the volume. */
export const checkSelectedNode: Check = (facts) => {
  const node = selectedNode(facts);
  const wanted = wantedBytes(facts);
  if (berthClassOf(facts) === undefined || node === undefined || wanted === undefined) return undefined;
  const found = poolsOfClass(facts).find((one) => one.node === node);
  if (found === undefined) {
    return finding(
      'SELECTED_NODE_AWAY',
      `node ${node} was chosen for the claim, and no daemon of Berth is on it`,
      facts,
    );
  }
  if (found.silence !== undefined) {
    const cause = `node ${node} was chosen for the claim, and its daemon does not answer: ${found.silence}`;
    return finding('SELECTED_NODE_SILENT', cause, facts);
  }
  if (hasRoom(found, wanted)) return undefined;
  return finding(
    'SELECTED_NODE_FULL',
    `node ${node} was chosen for the claim, and ${roomWords(found, wanted)}; the scheduler is asked for another`,
    facts,
  );
};

/** No node that the claim's pod may use has room. */
export const checkRoom: Check = (facts) => {
  const wanted = wantedBytes(facts);
  const pods = facts.pods ?? [];
  if (berthClassOf(facts) === undefined || wanted === undefined) return undefined;
  if (waitsForPod(facts) && pods.length === 0) return undefined;
  const places = placesOf(facts, pods[0], wanted);
  if (places.some((place) => place.hasRoom && place.against.length === 0)) return undefined;
  if (places.some((place) => place.hasRoom)) {
    return finding(
      'ROOM_WHERE_POD_CANNOT_GO',
      `no node that pod ${podName(pods[0]!)} may use has ${formatBytes(wanted)} free for it; others have`,
      facts,
    );
  }
  const silent = facts.daemons.some((answer) => 'error' in answer);
  const who = silent ? 'no node that answers' : 'no node';
  return finding('NO_ROOM', `${who} has ${formatBytes(wanted)} free in a pool of the claim's class`, facts);
};

/** What each node has, in words: for whoever wants to see for himself. */
export const roomEvidence = (facts: ClaimFacts): string[] =>
  placesOf(facts, facts.pods?.[0], wantedBytes(facts) ?? 0n).map(({ told, against }) =>
    against.length === 0 ? told : `${told}; ${against.join('; ')}`,
  );

function placesOf(facts: ClaimFacts, pod: V1Pod | undefined, wanted: bigint): Place[] {
  return poolsOfClass(facts).map((one) => ({
    node: one.node,
    hasRoom: hasRoom(one, wanted),
    against: whyNot(facts, one.node, pod ?? {}),
    told: `${one.node}: ${roomWords(one, wanted)}${schedulerWords(facts, one.node)}`,
  }));
}

const hasRoom = ({ pools }: NodePools, wanted: bigint): boolean =>
  pools.some(({ state, availableBytes }) => state === 'ready' && availableBytes >= wanted);

function roomWords({ pools, silence }: NodePools, wanted: bigint): string {
  if (silence !== undefined) return `does not answer: ${silence}`;
  if (pools.length === 0) return 'has no pool of that class';
  return pools
    .map(({ name, state, reason, availableBytes }) =>
      state === 'ready'
        ? `pool ${name} has ${formatBytes(availableBytes)} free, ${formatBytes(wanted)} wanted`
        : `pool ${name} is ${state}${reason ? `: ${reason}` : ''}`,
    )
    .join(', ');
}

/** The scheduler goes by capacity objects, which follow the pools after some seconds. */
function schedulerWords({ capacities, claim }: ClaimFacts, node: string): string {
  if (capacities === undefined) return '';
  const found = capacities.find(
    ({ storageClassName, nodeTopology }) =>
      storageClassName === claim.spec?.storageClassName && nodeTopology?.matchLabels?.[NODE_KEY] === node,
  );
  const bytes = parseQuantity(found?.capacity ?? '');
  return bytes === undefined ? ' (the scheduler knows of none)' : ` (the scheduler knows of ${formatBytes(bytes)})`;
}

const ADVICE = [
  'free room (`berth --kube volume list` shows volumes, orphans among them), ask for less, or add a disk',
  'the claim goes on by itself once there is room',
];

const finding = (code: string, cause: string, facts: ClaimFacts): Finding => ({
  code,
  cause,
  advice: ADVICE,
  evidence: roomEvidence(facts),
});
