import type { CsiCall } from '../csi/compose.ts';
import { isWithin, NODE_KEY } from '../csi/topology.ts';
import type { CreateVolumeRequest, Topology } from '../csi/types.ts';
import { BerthError } from '../errors.ts';
import type { PoolStatus } from '../volumes/model.ts';
import { ask, FIND_VOLUME } from './ask.ts';
import type { FleetNode } from './hub.ts';

/** What of a request says where its volume may be. */
type Wanted = Pick<CreateVolumeRequest, 'name' | 'accessibility_requirements' | 'capacity_range' | 'parameters'>;

/**
 * The connected nodes on which the volume may be made, best first. Where the topology leaves one node, that is all there
 * is to choose; else those that the caller prefers come first, and among equals the one with the most room.
 */
export function candidates(nodes: readonly FleetNode[], request: Wanted): FleetNode[] {
  const { requisite = [], preferred = [] } = request.accessibility_requirements ?? {};
  const allowed = requisite.length > 0 ? requisite : preferred;
  const fitting =
    allowed.length === 0
      ? [...nodes]
      : nodes.filter(({ topology }) => allowed.some((wanted) => isWithin(topology, wanted)));
  if (fitting.length <= 1) return fitting;
  const rank = ({ topology }: FleetNode): number => {
    const at = preferred.findIndex((wanted) => isWithin(topology, wanted));
    return at === -1 ? preferred.length : at;
  };
  // The external-provisioner begins its preferences at a random node when it has no reason for another one.
  const isChoice = preferred.length > 0 && preferred.length < requisite.length;
  return fitting.toSorted(
    (a, b) => (isChoice ? rank(a) - rank(b) : 0) || compare(roomOn(b, request), roomOn(a, request)),
  );
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : Number(a > b));

/** Bytes free in the roomiest pool that would take the volume; 0 when none would. */
function roomOn({ pools }: FleetNode, { parameters, capacity_range }: Wanted): bigint {
  const neededBytes = BigInt(capacity_range?.required_bytes ?? '0');
  const wantedClass = parameters['poolClass'];
  return pools
    .filter((pool) => pool.state === 'ready' && (wantedClass === undefined || pool.class === wantedClass))
    .map(({ availableBytes }: PoolStatus) => availableBytes)
    .reduce((most, bytes) => (bytes >= neededBytes && bytes > most ? bytes : most), 0n);
}

/** Names of required nodes that are not connected. */
export function absentNodes(nodes: readonly FleetNode[], allowed: readonly Topology[]): string[] {
  const connected = new Set(nodes.map(({ topology }) => topology[NODE_KEY]));
  return allowed.flatMap(({ segments }) => {
    const name = segments[NODE_KEY];
    return name === undefined || connected.has(name) ? [] : [name];
  });
}

/**
 * The node that has a volume of this name already, or is just making it. Asked only where there is a choice: a repeated
 * call must not make a second volume elsewhere.
 */
export async function holderOf(
  nodes: readonly FleetNode[],
  name: string,
  call: CsiCall,
): Promise<FleetNode | undefined> {
  const answers = await Promise.all(
    nodes.map(async (node) => ((await ask<{ found: boolean }>(node, { name }, call, FIND_VOLUME)).found ? [node] : [])),
  );
  return answers.flat()[0];
}

/**
 * Volumes whose creation was asked of a node that went away before it answered: only that node knows whether they are
 * there. And, for a while after the start, all that an earlier controller may have asked.
 */
export interface Doubts {
  /** Runs a creation on a node, and remembers it when nobody knows how it ended. */
  keep<T>(name: string, node: FleetNode, create: () => Promise<T>): Promise<T>;
  /**
   * Throws NODE_UNCERTAIN while the volume may be on a node that is not connected. `absent` is one that comes into
   * question and is not, in words.
   */
  refuse(name: string, connected: readonly FleetNode[], absent: string | undefined): void;
}

export function createDoubts({ settledAt, now }: { settledAt: number; now: () => number }): Doubts {
  const doubtful = new Map<string, string>();
  return {
    async keep(name, node, create) {
      doubtful.set(name, node.name);
      try {
        const result = await create();
        doubtful.delete(name);
        return result;
      } catch (error) {
        // A node that has answered is asked again as long as it is there, and knows what it has begun.
        const isOpen = error instanceof BerthError && ['NODE_LINK_LOST', 'CALL_DEADLINE'].includes(error.code);
        if (!isOpen) doubtful.delete(name);
        throw error;
      }
    },
    refuse(name, connected, absent) {
      const node = doubtful.get(name);
      if (node !== undefined && !connected.some((one) => one.name === node)) {
        throw new BerthError('NODE_UNCERTAIN', { name, node });
      }
      if (now() < settledAt && absent !== undefined) throw new BerthError('NODE_UNCERTAIN', { name, node: absent });
    },
  };
}
