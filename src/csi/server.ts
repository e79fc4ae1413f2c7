import { randomUUID } from 'node:crypto';
import type { Deadline, handleUnaryCall, MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { BerthError } from '../errors.ts';
import type { Service } from '../rpc/server.ts';
import { compose, type Handler, type Handlers, type Middleware } from './compose.ts';
import { statusOf } from './status.ts';

/** One RPC within its middleware. */
export interface Rpc {
  definition: MethodDefinition<object, object>;
  /** From the bytes of a request to the answer. Rejects with BerthError. */
  run(request: Buffer, call: { clientDeadline: number | undefined; requestId: string }): Promise<object>;
}

/**
 * The RPCs of a service, by name. Every one of the definition must have a handler. A request that is no message of its
 * type is INVALID_ARGUMENT, so it is decoded here and not by grpc-js.
 */
export function createRpcs(
  definition: ServiceDefinition,
  handlers: Handlers,
  chain: readonly Middleware[],
): Record<string, Rpc> {
  const refuse = compose(chain, malformed);
  return Object.fromEntries(
    Object.entries(definition).map(([name, method]): [string, Rpc] => {
      const handler = handlers[name];
      if (handler === undefined) throw new Error(`no handler for ${method.path}`);
      const handle = compose(chain, handler as Handler<object, object>);
      return [
        name,
        {
          definition: method,
          run(bytes, { clientDeadline, requestId }) {
            const request = decode(method, bytes);
            const call = { method: methodName(method), requestId, deadline: Infinity, clientDeadline };
            return request === undefined ? refuse({}, call) : handle(request, call);
          },
        },
      ];
    }),
  );
}

/** `csi.v1.Node/NodeStageVolume` */
export const methodName = ({ path }: { path: string }): string => path.slice(1);

/** The RPCs as a gRPC service. */
export function toService(rpcs: Record<string, Rpc>): Service {
  const definition: Record<string, ServiceDefinition[string]> = {};
  const implementation: Record<string, handleUnaryCall<Buffer, object>> = {};
  for (const [name, rpc] of Object.entries(rpcs)) {
    definition[name] = {
      ...rpc.definition,
      requestDeserialize: (bytes: Buffer) => bytes as object,
    } as ServiceDefinition[string];
    implementation[name] = (call, callback) => {
      rpc.run(call.request, { clientDeadline: toMs(call.getDeadline()), requestId: randomUUID() }).then(
        (response) => callback(null, response),
        (error: unknown) => {
          const { code, details } = statusOf(error);
          callback({ code, details });
        },
      );
    };
  }
  return { definition, implementation };
}

const malformed: Handler<object, object> = async () => {
  throw new BerthError('FIELD_INVALID', { field: 'request', problem: 'is no message of its type' });
};

function decode(method: ServiceDefinition[string], bytes: Buffer): object | undefined {
  try {
    return method.requestDeserialize(bytes) as object;
  } catch {
    return undefined;
  }
}

function toMs(deadline: Deadline): number | undefined {
  const ms = Number(deadline);
  return Number.isFinite(ms) ? ms : undefined;
}
