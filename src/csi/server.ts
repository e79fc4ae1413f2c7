import { randomUUID } from 'node:crypto';
import type { Deadline, handleUnaryCall, ServiceDefinition } from '@grpc/grpc-js';
import { BerthError } from '../errors.ts';
import type { Service } from '../rpc/server.ts';
import { compose, type Handler, type Handlers, type Middleware } from './compose.ts';
import { statusOf } from './status.ts';

/**
 * A gRPC service whose RPCs are the handlers, each within the middleware. Every RPC of the definition must have one. A
 * request that is no message of its type is INVALID_ARGUMENT, so it is decoded here and not by grpc-js.
 */
export function toService(definition: ServiceDefinition, handlers: Handlers, chain: readonly Middleware[]): Service {
  const raw: Record<string, ServiceDefinition[string]> = {};
  const implementation: Record<string, handleUnaryCall<Buffer, object>> = {};
  for (const [rpc, method] of Object.entries(definition)) {
    const handler = handlers[rpc];
    if (handler === undefined) throw new Error(`no handler for ${method.path}`);
    raw[rpc] = { ...method, requestDeserialize: (bytes: Buffer) => bytes };
    implementation[rpc] = unary(method, compose(chain, handler as Handler<object, object>), compose(chain, malformed));
  }
  return { definition: raw, implementation };
}

const malformed: Handler<object, object> = async () => {
  throw new BerthError('FIELD_INVALID', { field: 'request', problem: 'is no message of its type' });
};

function unary(
  method: ServiceDefinition[string],
  handle: Handler<object, object>,
  refuse: Handler<object, object>,
): handleUnaryCall<Buffer, object> {
  return (call, callback) => {
    const request = decode(method, call.request);
    const clientDeadline = toMs(call.getDeadline());
    const context = { method: method.path.slice(1), requestId: randomUUID(), deadline: Infinity, clientDeadline };
    (request === undefined ? refuse({}, context) : handle(request, context)).then(
      (response) => callback(null, response),
      (error: unknown) => {
        const { code, details } = statusOf(error);
        callback({ code, details });
      },
    );
  };
}

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
