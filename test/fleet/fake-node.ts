import type { CsiCall } from '../../src/csi/compose.ts';
import type { FleetNode } from '../../src/fleet/index.ts';
import { findVolume } from '../../src/fleet/messages.ts';
import { loadProto, serviceOf } from '../../src/rpc/proto.ts';
import { fakePool } from '../csi/fake-volumes.ts';

const proto = loadProto('csi/v1/csi.proto');
const methods = new Map(
  [serviceOf(proto, 'csi.v1.Controller'), serviceOf(proto, 'csi.v1.GroupController'), { findVolume }].flatMap(
    (service) => Object.values(service).map((method) => [method.path.slice(1), method] as const),
  ),
);

export interface FakeNode extends FleetNode {
  /** What it was asked, by RPC name. */
  readonly asked: string[];
}

/** A connected node whose RPCs are these; one that it has not is an error of the test. */
export function fakeNode(
  name: string,
  rpcs: Record<string, (request: never) => object> = {},
  { freeBytes = 0n, poolId = `${name}0000-0000-4000-8000-000000000000`.padStart(36, '0') } = {},
): FakeNode {
  const asked: string[] = [];
  return {
    name,
    version: '0',
    ready: true,
    topology: { 'topology.berth.dev/node': name, 'topology.berth.dev/zone': 'z1' },
    pools: [fakePool({ id: poolId, name: 'p', class: 'fast', availableBytes: freeBytes })],
    asked,
    async call(method, request) {
      const rpc = method.slice(method.indexOf('/') + 1);
      asked.push(rpc);
      const definition = methods.get(method)!;
      const answer = rpcs[rpc]!(definition.requestDeserialize(request) as never);
      return definition.responseSerialize(answer);
    },
  };
}

export const callOf = (rpc: string, service = 'Controller'): CsiCall => ({
  method: `csi.v1.${service}/${rpc}`,
  requestId: 'r',
  deadline: Date.now() + 10_000,
  clientDeadline: undefined,
});
