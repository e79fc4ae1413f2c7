import { connect as connectHttp2 } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { loadProto, serviceOf } from '../../src/rpc/proto.ts';

/** CSI calls over one connection. */
export interface Grpc {
  /** Rejects unless the answer is OK. */
  call<Response = Record<string, unknown>>(rpc: string, request: object): Promise<Response>;
  close(): void;
}

const HEADER_BYTES = 5;
const DEADLINE = '60S';

const proto = loadProto('csi/v1/csi.proto');
const methods = new Map(
  ['Identity', 'Controller', 'Node'].flatMap((name) => Object.entries(serviceOf(proto, `csi.v1.${name}`))),
);

/**
 * gRPC by hand over HTTP/2: the callers share the machine with what is measured, and a full gRPC client takes more of
 * it than the server does.
 */
export function openGrpc(socket: string): Grpc {
  const session = connectHttp2('http://localhost', { createConnection: () => connectSocket(socket) });
  session.on('error', () => {}); // the calls tell
  return {
    call: (rpc, request) =>
      new Promise((resolve, reject) => {
        const method = methods.get(rpc)!;
        const stream = session.request({
          ':method': 'POST',
          ':path': method.path,
          'content-type': 'application/grpc',
          te: 'trailers',
          'grpc-timeout': DEADLINE,
        });
        const chunks: Buffer[] = [];
        let status: unknown;
        let message: unknown;
        const readStatus = (headers: Record<string, unknown>): void => {
          status ??= headers['grpc-status'];
          message ??= headers['grpc-message'];
        };
        stream.on('response', readStatus);
        stream.on('trailers', readStatus);
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('error', reject);
        stream.on('close', () => {
          if (status !== '0') reject(new Error(`${rpc}: status ${status}: ${decodeURIComponent(String(message))}`));
          else resolve(method.responseDeserialize(Buffer.concat(chunks).subarray(HEADER_BYTES)) as never);
        });
        stream.end(frame(method.requestSerialize(request)));
      }),
    close: () => session.destroy(),
  };
}

/** gRPC over HTTP2, "Length-Prefixed-Message": not compressed, four bytes of length, the message. */
function frame(message: Buffer): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + message.length);
  bytes.writeUInt32BE(message.length, 1);
  message.copy(bytes, HEADER_BYTES);
  return bytes;
}
