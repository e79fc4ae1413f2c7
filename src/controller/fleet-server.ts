import { Server, ServerCredentials } from '@grpc/grpc-js';
import { BerthError } from '../errors.ts';
import { KEEPALIVE, MAX_MESSAGE_BYTES } from '../fleet/index.ts';
import { urlHost } from '../host/url-host.ts';
import type { Service } from '../rpc/server.ts';
import type { KeyPair } from './authority.ts';

export interface FleetServer {
  readonly port: number;
  /** Later connections get this certificate; those that stand are left alone. */
  renew(pair: KeyPair): Promise<void>;
  close(): void;
}

/** Serves the nodes by gRPC over TLS. Port 0 takes any free one. Rejects with SOCKET_IN_USE. */
export async function serveFleet(
  { host, port }: { host: string; port: number },
  service: Service,
  pair: KeyPair,
): Promise<FleetServer> {
  const server = new Server({
    ...KEEPALIVE,
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  });
  server.addService(service.definition, service.implementation);
  const address = urlHost(host);
  let bound = port;
  const bind = ({ cert, key }: KeyPair): Promise<void> => {
    const identity = [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }];
    return new Promise((resolve, reject) => {
      server.bindAsync(`${address}:${bound}`, ServerCredentials.createSsl(null, identity), (cause, taken) => {
        if (cause) return reject(new BerthError('SOCKET_IN_USE', { path: `${address}:${bound}` }, { cause }));
        bound = taken;
        resolve();
      });
    });
  };
  await bind(pair);
  return {
    get port() {
      return bound;
    },
    async renew(newer) {
      server.unbind(`${address}:${bound}`);
      await bind(newer);
    },
    close: () => server.forceShutdown(),
  };
}
