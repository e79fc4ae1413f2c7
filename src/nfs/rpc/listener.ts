import { BlockList, createServer, isIPv6, type Socket } from 'node:net';
import { BerthError } from '../../errors.ts';
import { errorCode } from '../../host/libc.ts';
import type { XdrWriter } from '../xdr/writer.ts';
import { createBudget } from './budget.ts';
import { createBufferPool } from './buffer-pool.ts';
import { type Connection, type ConnectionLimits, type IncomingCall, serveConnection } from './connection.ts';

export interface ListenerOptions {
  host: string;
  port: number;
  /** CIDR blocks of clients; empty for all that reach the address. */
  allow: readonly string[];
  limits: ConnectionLimits & { maxConnections: number; maxTotalBytes: number };
  now(): number;
  handle(call: IncomingCall): Promise<XdrWriter>;
  onRefused(address: string): void;
  onBad(address: string, error: unknown): void;
}

export interface Listener {
  readonly port: number;
  readonly connections: number;
  readonly heldBytes: number;
  close(): Promise<void>;
}

const SCRATCH_BYTES = 65_536;

/** Listens and serves until closed. Rejects with NFS_LISTEN_FAILED. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { host, port, limits, now } = options;
  const allowed = allowList(options.allow);
  const total = createBudget(limits.maxTotalBytes);
  const buffers = createBufferPool(limits.maxTotalBytes / 4);
  const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  const connections = new Set<Connection>();

  /** Too much is held together: the record that has been coming in for longest is given up, those of strangers first. */
  const relieve = (): void => {
    if (total.usedBytes <= total.maxBytes) return;
    let victim: Connection | undefined;
    for (const connection of connections) {
      if (connection.partial.bytes > 0 && (victim === undefined || goesBefore(connection, victim))) victim = connection;
    }
    victim?.close();
  };

  const accept = (socket: Socket): void => {
    const address = socket.remoteAddress ?? '';
    if (!allowed(address) || connections.size >= limits.maxConnections) {
      options.onRefused(address);
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const connection = serveConnection(socket, {
      limits,
      total,
      buffers,
      scratch,
      now,
      handle: options.handle,
      onBytes: relieve,
      onBad: (error) => options.onBad(address, error),
      onClose: () => connections.delete(connection),
    });
    connections.add(connection);
  };

  const server = createServer({ noDelay: true, pauseOnConnect: true }, accept);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const problem = errorCode(error) === 'EADDRINUSE' ? 'the port is in use' : error.message;
      reject(new BerthError('NFS_LISTEN_FAILED', { address: `${host}:${port}`, problem }, { cause: error }));
    });
    server.listen({ host, port }, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    get connections() {
      return connections.size;
    },
    get heldBytes() {
      return total.usedBytes;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection.close();
      }),
  };
}

const goesBefore = (a: Connection, b: Connection): boolean =>
  a.isTrusted === b.isTrusted ? a.partial.sinceMs < b.partial.sinceMs : b.isTrusted;

function allowList(blocks: readonly string[]): (address: string) => boolean {
  if (blocks.length === 0) return () => true;
  const list = new BlockList();
  for (const block of blocks) {
    const [address = '', prefix] = block.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    list.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return (address) => {
    const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
    return list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  };
}
