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
/** A peer that was sent a megabyte, or is to send one, has taken long when others need the room. */
const LATE_MS = 1_000;
const WATCH_MS = 250;
const TRIM_MS = 10_000;
/** Connections that broke the protocol: so many in this time are cut off at once, others when as much time has gone by. */
const BAD_ONES = 100;
const LINGER_MS = 1_000;
/** Strangers go before all others. */
const STRANGER_MS = 1e12;

/** Listens and serves until closed. Rejects with NFS_LISTEN_FAILED. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { host, port, limits, now } = options;
  const allowed = allowList(options.allow);
  // Apart, so that requests which wait for room to answer are not themselves what fills it.
  const received = { bytes: 0, maxBytes: limits.maxTotalBytes / 2 };
  const answers = createBudget({ maxBytes: limits.maxTotalBytes / 2, maxShareBytes: limits.maxBytes });
  const buffers = createBufferPool(limits.maxTotalBytes);
  const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  const connections = new Set<Connection>();

  let badOnes = { since: now(), count: 0 };
  /** One that breaks the protocol is cut off; when there are many, later, so that they cannot come again and again. */
  const lingerMs = (): number => {
    if (now() - badOnes.since > LINGER_MS) badOnes = { since: now(), count: 0 };
    badOnes.count += 1;
    return badOnes.count > BAD_ONES ? LINGER_MS : 0;
  };

  const closeOldest = (sinceMs: (connection: Connection) => number | undefined): void => {
    let oldest: { connection: Connection; sinceMs: number } | undefined;
    for (const connection of connections) {
      const since = sinceMs(connection);
      if (since !== undefined && since < (oldest?.sinceMs ?? Number.POSITIVE_INFINITY))
        oldest = { connection, sinceMs: since };
    }
    oldest?.connection.close();
  };

  /** Too much has come in: the record that takes longest to be complete is given up, those of strangers first. */
  const relieve = (): void => {
    if (received.bytes <= received.maxBytes) return;
    const lateMs = now() - LATE_MS;
    closeOldest(({ partial, isTrusted }) => {
      if (partial.bytes === 0) return undefined;
      if (!isTrusted) return partial.sinceMs - STRANGER_MS;
      return partial.sinceMs < lateMs ? partial.sinceMs : undefined;
    });
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
      received,
      answers,
      buffers,
      scratch,
      now,
      handle: options.handle,
      onBytes: relieve,
      onBad(error) {
        options.onBad(address, error);
        return lingerMs();
      },
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
  /** Some wait for room to be answered: who has not taken an answer for longest gets none any more. */
  const watch = setInterval(() => {
    if (!answers.isShort) return;
    const lateMs = now() - LATE_MS;
    closeOldest(({ unsentSinceMs = Number.POSITIVE_INFINITY }) => (unsentSinceMs < lateMs ? unsentSinceMs : undefined));
  }, WATCH_MS);
  watch.unref();
  const trim = setInterval(buffers.trim, TRIM_MS);
  trim.unref();

  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    get connections() {
      return connections.size;
    },
    get heldBytes() {
      return received.bytes + answers.usedBytes;
    },
    close: () =>
      new Promise((resolve) => {
        clearInterval(watch);
        clearInterval(trim);
        server.close(() => resolve());
        for (const connection of connections) connection.close();
      }),
  };
}

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
