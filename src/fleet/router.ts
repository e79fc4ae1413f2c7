import type { Handler, Handlers } from '../csi/compose.ts';
import { asRpcCapabilities, CONTROLLER_RPCS, GROUP_RPCS } from '../csi/offers.ts';
import { createSnapshotMetadata } from '../csi/snapshot-metadata.ts';
import { isWithin } from '../csi/topology.ts';
import type {
  CreateSnapshotRequest,
  CreateVolumeGroupSnapshotRequest,
  CreateVolumeRequest,
  Empty,
  GetCapacityRequest,
  GetCapacityResponse,
  ListSnapshotsRequest,
  PageRequest,
  SnapshotRequest,
  Topology,
  VolumeGroupSnapshotRequest,
  VolumeRequest,
} from '../csi/types.ts';
import { BerthError } from '../errors.ts';
import { parseId } from '../volumes/ids.ts';
import { ask, SNAPSHOT_BLOCKS } from './ask.ts';
import { type BlocksResponse, decodePage, encodeQuery } from './blocks-message.ts';
import type { FleetNode, Hub } from './hub.ts';
import { type ListResponse, mergePages } from './merge.ts';
import { absentNodes, candidates, type Doubts, holderOf } from './place.ts';

/** Tried one after the other when one has no room; each look costs a round trip. */
const ATTEMPTS = 3;

/**
 * CSI's Controller, GroupController and SnapshotMetadata for all nodes: each call goes to the node whose pool it names, what is new to the
 * best node that its topology allows. Requests are checked by the node that answers them; so one that names nothing goes to
 * any node.
 */
export function createRoutes(
  hub: Pick<Hub, 'nodes'>,
  doubts: Doubts,
): Record<'Controller' | 'GroupController' | 'SnapshotMetadata', Handlers> {
  const anyNode = (): FleetNode => {
    const [node] = hub.nodes();
    if (node === undefined) throw new BerthError('NODE_AWAY', { problem: 'can be asked' });
    return node;
  };
  /** Where an object is. A pool that has moved is with the node that serves it. */
  const nodeOf = (id: string): FleetNode => {
    const poolId = parseId(id)?.poolId;
    if (poolId === undefined) return anyNode();
    const having = hub.nodes().filter(({ pools }) => pools.some((pool) => pool.id === poolId));
    const serving = having.find(({ pools }) => pools.some((pool) => pool.id === poolId && pool.state === 'ready'));
    const node = serving ?? having[0];
    if (node === undefined) throw new BerthError('NODE_AWAY', { problem: `has pool ${poolId}` });
    return node;
  };
  const byId =
    <Request>(idOf: (request: Request) => string): Handler<Request, object> =>
    async (request, call) =>
      ask(nodeOf(idOf(request)), request as object, call);

  const createVolume: Handler<CreateVolumeRequest, object> = async (request, call) => {
    const { volume_content_source: source, accessibility_requirements: where } = request;
    if (source) return ask(nodeOf(source.snapshot?.snapshot_id ?? source.volume?.volume_id ?? ''), request, call);
    const nodes = candidates(hub.nodes(), request);
    const absent = absentNodes(hub.nodes(), where?.requisite ?? []);
    doubts.refuse(request.name, nodes, tellAbsent(where?.requisite ?? [], absent));
    if (nodes.length === 0) {
      if (absent.length > 0) throw new BerthError('NODE_AWAY', { problem: `is ${absent.join(' or ')}` });
      return ask(anyNode(), request, call);
    }
    const holder = nodes.length > 1 ? await holderOf(nodes, request.name, call) : undefined;
    return firstWithRoom(holder === undefined ? nodes.slice(0, ATTEMPTS) : [holder], (node) =>
      doubts.keep(request.name, node, () => ask<object>(node, request, call)),
    );
  };

  const list =
    <Request extends PageRequest>(): Handler<Request, ListResponse> =>
    (request, call) =>
      mergePages(hub.nodes(), request, call);

  const listSnapshots: Handler<ListSnapshotsRequest, object> = async (request, call) => {
    const id = request.snapshot_id || request.source_volume_id;
    if (id === '') return mergePages(hub.nodes(), request, call);
    return ask(nodeOf(id), request, call);
  };

  const getCapacity: Handler<GetCapacityRequest, object> = async (request, call) => {
    const wanted = request.accessible_topology;
    const nodes = hub.nodes().filter(({ topology }) => isWithin(topology, wanted));
    // What an away node has is not known, which is not the same as none.
    const absent = wanted === null ? [] : absentNodes(nodes, [wanted]);
    if (absent.length > 0) throw new BerthError('NODE_AWAY', { problem: `is ${absent.join(' or ')}` });
    if (nodes.length === 0) return ask(anyNode(), request, call);
    return sumCapacities(await Promise.all(nodes.map((node) => ask<GetCapacityResponse>(node, request, call))));
  };

  const createGroup: Handler<CreateVolumeGroupSnapshotRequest, object> = async (request, call) => {
    const nodes = [...new Set(request.source_volume_ids.map(nodeOf))];
    if (nodes.length > 1) {
      const problem = `they are on ${nodes.map(({ name }) => name).join(' and ')}`;
      throw new BerthError('GROUP_NOT_CONSISTENT', { problem });
    }
    return ask(nodes[0] ?? anyNode(), request, call);
  };

  const volume = byId<VolumeRequest>(({ volume_id }) => volume_id);
  const snapshot = byId<SnapshotRequest>(({ snapshot_id }) => snapshot_id);
  const group = byId<VolumeGroupSnapshotRequest>(({ group_snapshot_id }) => group_snapshot_id);
  const capabilities =
    (names: readonly string[]): Handler<Empty, object> =>
    async () =>
      asRpcCapabilities(names);
  return {
    Controller: {
      CreateVolume: createVolume,
      DeleteVolume: volume,
      ControllerPublishVolume: volume,
      ControllerUnpublishVolume: volume,
      ValidateVolumeCapabilities: volume,
      ListVolumes: list(),
      ControllerListVolumeHealth: list(),
      ControllerGetVolumeHealth: volume,
      GetCapacity: getCapacity,
      ControllerGetCapabilities: capabilities(CONTROLLER_RPCS),
      ControllerExpandVolume: volume,
      ControllerGetVolume: volume,
      ControllerModifyVolume: volume,
      CreateSnapshot: byId<CreateSnapshotRequest>(({ source_volume_id }) => source_volume_id),
      DeleteSnapshot: snapshot,
      GetSnapshot: snapshot,
      ListSnapshots: listSnapshots,
    },
    GroupController: {
      GroupControllerGetCapabilities: capabilities(GROUP_RPCS),
      CreateVolumeGroupSnapshot: createGroup,
      DeleteVolumeGroupSnapshot: group,
      GetVolumeGroupSnapshot: group,
    },
    SnapshotMetadata: createSnapshotMetadata(async (query, call) =>
      decodePage(await ask<BlocksResponse>(nodeOf(query.id), encodeQuery(query), call, SNAPSHOT_BLOCKS)),
    ),
  };
}

/** Without a topology any node comes into question, also such as have never been seen. */
const tellAbsent = (requisite: readonly Topology[], absent: readonly string[]): string | undefined =>
  requisite.length === 0 ? 'that is still to come' : absent[0];

/** A node without room has made nothing: the next one may be asked. */
async function firstWithRoom(
  nodes: readonly FleetNode[],
  create: (node: FleetNode) => Promise<object>,
): Promise<object> {
  for (const [index, node] of nodes.entries()) {
    try {
      return await create(node);
    } catch (error) {
      const isFull = error instanceof BerthError && error.status === 'RESOURCE_EXHAUSTED';
      if (!isFull || index === nodes.length - 1) throw error;
    }
  }
  throw new BerthError('NODE_AWAY', { problem: 'can be asked' });
}

/** All nodes together have the sum; a single volume fits into the largest. */
function sumCapacities(capacities: readonly GetCapacityResponse[]): GetCapacityResponse {
  const ascending = (values: bigint[]): bigint[] => values.toSorted((a, b) => (a < b ? -1 : 1));
  const minimums = capacities.flatMap(({ minimum_volume_size: size }) => (size ? [BigInt(size.value)] : []));
  return {
    available_capacity: String(
      capacities.reduce((sum, { available_capacity }) => sum + BigInt(available_capacity), 0n),
    ),
    maximum_volume_size: {
      value: String(
        ascending(capacities.map(({ maximum_volume_size: size }) => BigInt(size?.value ?? '0'))).at(-1) ?? 0n,
      ),
    },
    ...(minimums.length === 0 ? {} : { minimum_volume_size: { value: String(ascending(minimums)[0]) } }),
  };
}
