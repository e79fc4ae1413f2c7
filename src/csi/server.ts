import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type {
  Deadline,
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  ServerWritableStream,
  ServiceDefinition,
} from '@grpc/grpc-js';
import { BerthError } from '../errors.ts';
import type { Service } from '../rpc/server.ts';
import { compose, type Handler, type Handlers, type Middleware, type Send } from './compose.ts';
import { statusOf } from './status.ts';

/** One RPC within its middleware. */
export interface Rpc {
  definition: MethodDefinition<object, object>;
  /** From the bytes of a request to the answer, or to the end of the stream of answers. Rejects with BerthError. */
  run(request: Buffer, call: { clientDeadline: number | undefined; requestId: string; send?: Send }): Promise<object>;
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
          run(bytes, { clientDeadline, requestId, send }) {
            const request = decode(method, bytes);
            const call = { method: methodName(method), requestId, deadline: Infinity, clientDeadline, send };
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
  const implementation: Service['implementation'] = {};
  for (const [name, rpc] of Object.entries(rpcs)) {
    definition[name] = {
      ...rpc.definition,
      requestDeserialize: (bytes: Buffer) => bytes as object,
    } as ServiceDefinition[string];
    implementation[name] = rpc.definition.responseStream ? asStream(rpc) : asUnary(rpc);
  }
  return { definition, implementation };
}

const asUnary =
  (rpc: Rpc): handleUnaryCall<Buffer, object> =>
  (call, callback) => {
    rpc.run(call.request, { clientDeadline: toMs(call.getDeadline()), requestId: randomUUID() }).then(
      (response) => callback(null, response),
      (error: unknown) => {
        const { code, details } = statusOf(error);
        callback({ code, details });
      },
    );
  };

const asStream =
  (rpc: Rpc): handleServerStreamingCall<Buffer, object> =>
  (call) => {
    const options = { clientDeadline: toMs(call.getDeadline()), requestId: randomUUID(), send: senderTo(call) };
    rpc.run(call.request, options).then(
      () => call.end(),
      (error: unknown) => {
        const { code, details } = statusOf(error);
        call.emit('error', { code, details });
      },
    );
  };

function senderTo(call: ServerWritableStream<Buffer, object>): Send {
  const gone = new AbortController();
  for (const event of ['cancelled', 'close']) call.on(event, () => gone.abort());
  return async (message) => {
    gone.signal.throwIfAborted();
    if (!call.write(message)) await once(call, 'drain', { signal: gone.signal });
  };
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
