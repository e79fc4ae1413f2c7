import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { loadProto, serviceOf } from '../../src/rpc/proto.ts';

const proto = loadProto('csi/v1/csi.proto');
const SERVICES = ['Identity', 'Controller', 'GroupController', 'Node', 'SnapshotMetadata'] as const;

/** A failed call as the client sees it. */
export interface CallError {
  /** By name, such as `NOT_FOUND`. */
  status: string;
  message: string;
  hasStatusDetails: boolean;
}

export interface CsiClient {
  /** Calls an RPC by its name, with the fields of its request. Rejects with CallError. */
  call<Response extends object = Record<string, unknown>>(
    rpc: string,
    request?: object,
    options?: { timeoutMs?: number },
  ): Promise<Response>;
  /** Calls an RPC that answers with a stream; gives all of its messages. */
  stream<Message extends object>(rpc: string, request: object): Promise<Message[]>;
  /** Sends these bytes as the request. */
  callRaw(rpc: string, bytes: Buffer): Promise<unknown>;
  close(): void;
}

export function connectCsi(socket: string): CsiClient {
  const client = new Client(`unix:${socket}`, credentials.createInsecure());
  const methods = new Map(SERVICES.flatMap((name) => Object.entries(serviceOf(proto, `csi.v1.${name}`))));

  const send = <Response>(rpc: string, bytes: Buffer, timeoutMs: number): Promise<Response> => {
    const method = methods.get(rpc);
    if (!method) throw new Error(`no RPC ${rpc}`);
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        (buffer: Buffer) => buffer,
        method.responseDeserialize as (buffer: Buffer) => Response,
        bytes,
        new Metadata(),
        { deadline: Date.now() + timeoutMs },
        (error, response) => (error ? reject(toCallError(error)) : resolve(response!)),
      );
    });
  };

  const receive = <Message>(rpc: string, bytes: Buffer): Promise<Message[]> => {
    const { path, responseDeserialize } = methods.get(rpc)!;
    const stream = client.makeServerStreamRequest(
      path,
      (buffer: Buffer) => buffer,
      responseDeserialize as (buffer: Buffer) => Message,
      bytes,
      new Metadata(),
      { deadline: Date.now() + 30_000 },
    );
    const messages: Message[] = [];
    return new Promise((resolve, reject) => {
      stream.on('data', (message: Message) => messages.push(message));
      stream.on('end', () => resolve(messages));
      stream.on('error', (error: ServiceError) => reject(toCallError(error)));
    });
  };

  return {
    call: (rpc, request = {}, options = {}) =>
      send(rpc, methods.get(rpc)!.requestSerialize(request), options.timeoutMs ?? 30_000),
    stream: (rpc, request) => receive(rpc, methods.get(rpc)!.requestSerialize(request)),
    callRaw: (rpc, bytes) => (methods.get(rpc)!.responseStream ? receive(rpc, bytes) : send(rpc, bytes, 30_000)),
    close: () => client.close(),
  };
}

function toCallError(error: ServiceError): CallError {
  return {
    status: status[error.code],
    message: error.details,
    hasStatusDetails: error.metadata.get('grpc-status-details-bin').length > 0,
  };
}
