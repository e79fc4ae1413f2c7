import { connect as connectHttp2 } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { loadProto, serviceOf } from '../../src/rpc/proto.ts';
import { serveWork } from './agent.ts';

/**
 * Callers of a CSI socket, in a process of their own. gRPC over HTTP/2 by hand: the machine is shared with what is
 * measured, and a full client takes more of it than the server does.
 */
export type LoadWork = ReturnType<typeof openLoad>;

export interface Timed {
  seconds: number;
  /** Of each call, in ms. */
  latencies: number[];
}

const HEADER_BYTES = 5;
const DEADLINE = '60S';

function openLoad(socket: string) {
  const proto = loadProto('csi/v1/csi.proto');
  const methods = new Map(
    ['Identity', 'Controller', 'Node'].flatMap((name) => Object.entries(serviceOf(proto, `csi.v1.${name}`))),
  );
  const session = connectHttp2('http://localhost', { createConnection: () => connectSocket(socket) });
  session.setMaxListeners(0);

  const call = (rpc: string, request: object): Promise<object> => {
    const method = methods.get(rpc)!;
    const message = method.requestSerialize(request);
    const frame = Buffer.alloc(HEADER_BYTES + message.length);
    frame.writeUInt32BE(message.length, 1);
    message.copy(frame, HEADER_BYTES);
    return new Promise((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': method.path,
        'content-type': 'application/grpc',
        te: 'trailers',
        'grpc-timeout': DEADLINE,
      });
      const chunks: Buffer[] = [];
      let failure: string | undefined;
      const look = (headers: Record<string, unknown>): void => {
        const status = headers['grpc-status'];
        if (status !== undefined && status !== '0') failure = `${rpc}: status ${status} ${headers['grpc-message']}`;
      };
      stream.on('response', look);
      stream.on('trailers', look);
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () => {
        if (failure !== undefined) reject(new Error(failure));
        else resolve(method.responseDeserialize(Buffer.concat(chunks).subarray(HEADER_BYTES)) as object);
      });
      stream.end(frame);
    });
  };

  /** `callers` at a time do the next of `count` pieces of work until none is left. */
  const drive = async (callers: number, count: number, work: (index: number) => Promise<unknown>): Promise<Timed> => {
    const latencies: number[] = [];
    let next = 0;
    const caller = async (): Promise<void> => {
      while (next < count) {
        const index = next++;
        const startedAt = performance.now();
        await work(index);
        latencies.push(performance.now() - startedAt);
      }
    };
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: callers }, caller));
    return { seconds: (performance.now() - startedAt) / 1_000, latencies };
  };

  return {
    call: ({ rpc, request }: { rpc: string; request: object }): Promise<object> => call(rpc, request),
    /** Runs the calls of `steps` one after the other, `count` times, as often at once as there are callers. */
    drive: ({ callers, requests }: { callers: number; requests: { rpc: string; request: object }[] }): Promise<Timed> =>
      drive(callers, requests.length, (index) => call(requests[index]!.rpc, requests[index]!.request)),
  };
}

if (import.meta.main) serveWork(openLoad(process.argv[2]!), () => process.exit(0));
