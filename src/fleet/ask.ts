import type { ServiceDefinition } from '@grpc/grpc-js';
import type { CsiCall } from '../csi/compose.ts';
import { methodName } from '../csi/server.ts';
import { BerthError } from '../errors.ts';
import { loadProto, serviceOf } from '../rpc/proto.ts';
import type { FleetNode } from './hub.ts';
import { findVolume, snapshotBlocks } from './messages.ts';

type Method = ServiceDefinition[string];

const proto = loadProto('csi/v1/csi.proto');
const methods = new Map<string, Method>(
  [
    ...['Controller', 'GroupController'].map((name) => serviceOf(proto, `csi.v1.${name}`)),
    { findVolume, snapshotBlocks },
  ].flatMap((service) => Object.values(service).map((method): [string, Method] => [methodName(method), method])),
);
export const FIND_VOLUME = methodName(findVolume);
export const SNAPSHOT_BLOCKS = methodName(snapshotBlocks);

/** Runs an RPC on a node, until the call's deadline. `method` is the call's own unless given. */
export async function ask<Response extends object>(
  node: FleetNode,
  request: object,
  call: CsiCall,
  method: string = call.method,
): Promise<Response> {
  const definition = methods.get(method)!;
  const bytes = await node.call(method, definition.requestSerialize(request), {
    timeoutMs: Math.max(0, call.deadline - Date.now()),
    requestId: call.requestId,
  });
  try {
    return definition.responseDeserialize(bytes) as Response;
  } catch (cause) {
    throw new BerthError('NODE_TOO_OLD', { node: node.name, method }, { cause });
  }
}
