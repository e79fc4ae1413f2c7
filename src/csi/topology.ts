import { createHash } from 'node:crypto';
import { BerthError } from '../errors.ts';
import type { StringMap, Topology, TopologyRequirement } from './types.ts';
import { requireSome } from './validate.ts';

const PREFIX = 'topology.berth.dev/';
/** CSI 1.13 Topology: a value is at most 63 characters, which node names may exceed. */
const SEGMENT = /^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;
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
  const segments: StringMap = { [`${PREFIX}node`]: toSegment(node.name) };
  if (node.zone !== undefined) segments[`${PREFIX}zone`] = toSegment(node.zone);
  if (node.region !== undefined) segments[`${PREFIX}region`] = toSegment(node.region);

  const isIn = (topology: Topology | null): boolean =>
    // CSI 1.13 Topology: keys are case-insensitive.
    Object.entries(topology?.segments ?? {}).every(([key, value]) => segments[key.toLowerCase()] === value);

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

/** The text itself where it may be a value, else a digest of it, the same on every start. */
function toSegment(text: string): string {
  return SEGMENT.test(text) ? text : createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
}
