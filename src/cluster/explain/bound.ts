import { formatBytes } from '../../config/quantity.ts';
import { parseId } from '../../volumes/ids.ts';
import { claimOf, nodeOf } from '../volumes.ts';
import { type Check, type ClaimFacts, type Finding, nameOf, phaseOf, podName, wantedBytes } from './facts.ts';
import { isReady } from './fit.ts';
import { unscheduled } from './pods.ts';

export const checkDeleted: Check = (facts) => {
  const { claim, pods = [] } = facts;
  if (claim.metadata?.deletionTimestamp === undefined) return undefined;
  const users = pods.map(podName).join(', ');
  return {
    code: 'CLAIM_BEING_DELETED',
    cause: users
      ? `the claim is being deleted, and stays as long as pods use it: ${users}`
      : 'the claim is being deleted',
    advice: users ? ['delete these pods; a deletion cannot be taken back'] : ['wait for it'],
    evidence: (claim.metadata.finalizers ?? []).map((one) => `finalizer ${one}`),
  };
};

/** The claim names a PersistentVolume that cannot be had. */
export const checkVolumeTaken: Check = (facts) => {
  const { claim, volume } = facts;
  const name = claim.spec?.volumeName;
  if (!name || phaseOf(facts) === 'Bound') return undefined;
  const owner = volume && claimOf(volume);
  const taken = volume?.spec?.claimRef?.uid !== undefined && volume.spec.claimRef.uid !== claim.metadata?.uid;
  if (volume !== undefined && !taken) return undefined;
  return {
    code: volume === undefined ? 'VOLUME_GONE' : 'VOLUME_TAKEN',
    cause:
      volume === undefined
        ? `the claim names PersistentVolume ${name}, which does not exist or cannot be read`
        : `the claim names PersistentVolume ${name}, which belongs to claim ${owner}${owner === nameOf(facts) ? ' of before, deleted since' : ''}`,
    advice: [
      'leave spec.volumeName out of a claim made anew, or, to use the data again, remove claimRef from the PersistentVolume',
    ],
    evidence: volume?.status?.phase ? [`PersistentVolume ${name} is ${volume.status.phase}`] : [],
  };
};

/** Bound: where the data is, who uses it, and what keeps them from it. */
export const checkBound: Check = (facts) => {
  const { volume, pods = [] } = facts;
  if (phaseOf(facts) !== 'Bound') return undefined;
  const node = volume && nodeOf(volume);
  const users = pods.map((pod) => `${podName(pod)} on ${pod.spec?.nodeName ?? 'no node yet'}`);
  const evidence = [
    `PersistentVolume ${volume?.metadata?.name ?? facts.claim.spec?.volumeName}, volume ${volume?.spec?.csi?.volumeHandle ?? '?'}`,
    users.length === 0 ? 'no pod uses it' : `used by ${users.join(', ')}`,
    ...unscheduled(facts).map(({ pod, message }) => `pod ${pod}: ${message}`),
  ];
  return {
    ...(node === undefined ? bound(facts, undefined) : (troubleOf(facts, node) ?? bound(facts, node))),
    evidence,
  };
};

type Told = Omit<Finding, 'evidence'>;

function bound(facts: ClaimFacts, node: string | undefined): Told {
  const size = wantedBytes(facts);
  const where = node === undefined ? '' : ` on node ${node}`;
  const leaving = (facts.pods ?? []).filter(({ metadata }) => metadata?.deletionTimestamp !== undefined);
  const waiting = unscheduled(facts);
  if (leaving.length > 0 && waiting.length > 0) {
    return {
      code: 'POD_STILL_THERE',
      cause: `the claim is bound${where}; pod ${waiting[0]!.pod} waits, and pod ${podName(leaving[0]!)}, which is being deleted, still uses the volume`,
      advice: ['wait until its containers have ended; do not force its deletion while its node may still run it'],
    };
  }
  if (waiting.length > 0) {
    return {
      code: 'POD_UNSCHEDULABLE',
      cause: `the claim is bound${where}, and pod ${waiting[0]!.pod}, which uses it, can go to no node`,
      advice: ["the pod has to go where the data is; the scheduler's message says what is against it"],
    };
  }
  return {
    code: 'BOUND',
    cause: `the claim is bound: ${size ? formatBytes(size) : 'its volume is'}${where}`,
    advice: [],
  };
}

/** What is wrong with the node or the pool that has the data. */
function troubleOf(facts: ClaimFacts, name: string): Told | undefined {
  const { nodes, daemons, volume } = facts;
  const told = (code: string, what: string, advice: string): Told => ({
    code,
    cause: `the claim is bound, and its data is on node ${name}, ${what}`,
    advice: [advice],
  });
  const node = nodes?.find(({ metadata }) => metadata?.name === name);
  if (nodes !== undefined && node === undefined) {
    return told(
      'NODE_GONE',
      'which is no longer in the cluster',
      'bring the node back, or move its disks to another and `berth pool import` them there',
    );
  }
  if (node !== undefined && !isReady(node)) {
    return told('NODE_NOT_READY', 'which is not Ready', 'look at the node; nothing of the data is lost by its silence');
  }
  const answer = daemons.find((one) => one.node === name);
  if (answer === undefined) {
    return told(
      'DAEMON_MISSING',
      'which has no daemon of Berth',
      "look at the nodeSelector and tolerations of the chart's groups",
    );
  }
  if ('error' in answer) {
    return told(
      'DAEMON_SILENT',
      `whose daemon does not answer: ${answer.error.message}`,
      "look at the daemon's pod; what is mounted goes on",
    );
  }
  const poolId = parseId(volume?.spec?.csi?.volumeHandle ?? '')?.poolId;
  const pool = answer.value.pools.find(({ id }) => id === poolId);
  if (poolId !== undefined && pool?.state !== 'ready') {
    const state =
      pool === undefined
        ? 'does not have its pool now'
        : `where pool ${pool.name} is ${pool.state}: ${pool.reason ?? ''}`;
    return told(
      'POOL_NOT_READY',
      pool === undefined ? `which ${state}` : state,
      'see `berth --kube pool list`, and docs/operations.md on the states of a pool',
    );
  }
  const cordoned = node?.spec?.unschedulable === true && unscheduled(facts).length > 0;
  if (cordoned)
    return told('NODE_CORDONED', 'which is cordoned, so the pod cannot go there', `kubectl uncordon ${name}`);
  return undefined;
}
