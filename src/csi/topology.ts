import { createHash } from 'node:crypto';
import { TOPOLOGY_VALUE } from '../config/topology-value.ts';
import { BerthError } from '../errors.ts';
import type { StringMap, Topology, TopologyRequirement } from './types.ts';
import { requireSome } from './validate.ts';

const PREFIX = 'topology.berth.dev/';
export const NODE_KEY = `${PREFIX}node`;
const HASH_LENGTH = 40;

export interface NodePlace {
  name: string;
  zone?: string | undefined;
  region?: string | undefined;
}

/** Where this node is: what it tells of itself, and all that its volumes and snapshots can be reached from. */
export interface LocalTopology {
  readonly topology: Topology;
  /** Whether the node is in `topology`. A topology without segments is everywhere. */
  isIn(topology: Topology | null): boolean;
  /** Refuses a requirement that leaves this node out. `field` names it in errors. */
  check(requirement: TopologyRequirement | null, field: string): void;
}

export function createLocalTopology(node: NodePlace): LocalTopology {
  const segments: StringMap = { [NODE_KEY]: toSegment(node.name) };
  if (node.zone !== undefined) segments[`${PREFIX}zone`] = toSegment(node.zone);
  if (node.region !== undefined) segments[`${PREFIX}region`] = toSegment(node.region);

  const isIn = (topology: Topology | null): boolean => isWithin(segments, topology);

  return {
    topology: { segments },
    isIn,
    check(requirement, field) {
      if (requirement === null) return;
      const { requisite, preferred } = requirement;
      requireSome([...requisite, ...preferred], `${field}.requisite`);
      if (requisite.length > 0 && !requisite.some(isIn))
        throw new BerthError('TOPOLOGY_ELSEWHERE', { node: node.name });
    },
  };
}

/** Whether a node with these segments is in `topology`. A topology without segments is everywhere. */
export function isWithin(segments: Readonly<StringMap>, topology: Topology | null): boolean {
  // CSI 1.13 Topology: keys are case-insensitive.
  return Object.entries(topology?.segments ?? {}).every(([key, value]) => segments[key.toLowerCase()] === value);
}

/** The text itself where it may be a value, else a digest of it, the same on every start. */
function toSegment(text: string): string {
  return TOPOLOGY_VALUE.test(text) ? text : createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
}
