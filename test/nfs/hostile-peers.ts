import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { writeCompound } from '../../src/nfs/protocol/compound.ts';
import { putfh } from './client/files.ts';
import { exchangeId, op, openSession } from './client/session.ts';
import { type Identity, openTransport } from './client/transport.ts';

/**
 * Peers that mean no good, each on a connection of its own for as long as it lasts, and then on another. They do what a
 * single machine could do to a server, at the pace that it allows.
 */
export interface HostilePeers {
  /** Connections that were made, and those of them that the server has ended. */
  readonly counts: { made: number; ended: number };
  stop(): Promise<void>;
}

export const ways = ['noise', 'garbage', 'huge', 'trickle', 'fragments', 'calls', 'clients', 'deaf'] as const;
export type Way = (typeof ways)[number];

const LAST = 0x8000_0000;
const PAUSE_MS = 5;
const TRICKLE_MS = 20;
const IDENTITY: Identity = { uid: 4242, gid: 4242 };

const mark = (bytes: number): Buffer => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(bytes >>> 0);
  return buffer;
};

/** Starts `count` of them against the server, the ways in turn. `file` is the handle of a file of 1 MiB or more. */
export function startHostilePeers({
  port,
  count,
  file,
  ways: chosen = ways,
}: {
  port: number;
  count: number;
  file: Buffer;
  ways?: readonly Way[];
}): HostilePeers {
  const counts = { made: 0, ended: 0 };
  const open = new Set<Socket>();
  let isOver = false;

  const keep = (socket: Socket): Socket => {
    counts.made += 1;
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      open.delete(socket);
      if (!isOver) counts.ended += 1;
    });
    return socket;
  };
  const dial = async (): Promise<Socket> => {
    const socket = keep(connect(port, '127.0.0.1'));
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
    socket.resume();
    return socket;
  };
  /** Writes until the server has enough of it. */
  const pour = async (next: () => Buffer, pauseMs: number): Promise<void> => {
    const socket = await dial();
    while (!socket.destroyed && !isOver) {
      if (!socket.write(next())) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
      await delay(pauseMs);
    }
  };

  const acts: Record<Way, () => Promise<void>> = {
    noise: () => pour(() => randomBytes(randomInt(1, 4096)), PAUSE_MS),
    garbage: () =>
      pour(() => {
        const bytes = randomBytes(randomInt(4, 2048));
        return Buffer.concat([mark(LAST | bytes.length), bytes]);
      }, PAUSE_MS),
    huge: () => pour(() => Buffer.concat([mark(0xffff_ffff), randomBytes(64)]), PAUSE_MS),
    async trickle() {
      const socket = await dial();
      socket.write(mark(LAST | (1 << 20)));
      socket.write(Buffer.alloc(65_536));
      while (!socket.destroyed && !isOver) {
        socket.write('x');
        await delay(TRICKLE_MS);
      }
    },
    fragments: () => pour(() => Buffer.alloc(4096), PAUSE_MS),
    async calls() {
      const transport = await openTransport(port);
      keep(transport.socket);
      const body = writeCompound([op('PUTROOTFH', {})]).toBuffer();
      while (!transport.socket.destroyed && !isOver) {
        const calls = Array.from({ length: 16 }, () => {
          const writer = writeCompound([]);
          writer.fixed(body);
          return transport.call(writer, { identity: IDENTITY, procedure: 0 });
        });
        await Promise.all(calls);
        await delay(PAUSE_MS);
      }
    },
    async clients() {
      const transport = await openTransport(port);
      keep(transport.socket);
      while (!transport.socket.destroyed && !isOver) {
        await transport.call(writeCompound([exchangeId(randomBytes(64).toString('hex'), randomBytes(8))]), {
          identity: IDENTITY,
        });
        await delay(PAUSE_MS);
      }
    },
    async deaf() {
      const { transport, compound } = await openSession({ port, identity: IDENTITY, slots: 16 });
      const socket = keep(transport.socket);
      socket.pause();
      const read = op('READ', { stateid: { seqid: 0, other: Buffer.alloc(12) }, offset: 0, count: 1 << 20 });
      const answers = Array.from({ length: 16 }, () => compound([putfh(file), read]));
      await Promise.allSettled(answers);
    },
  };

  const lanes = Array.from({ length: count }, async (_, i) => {
    const act = acts[chosen[i % chosen.length]!];
    while (!isOver) {
      await act().catch(() => {});
      await delay(PAUSE_MS);
    }
  });
  return {
    counts,
    async stop() {
      isOver = true;
      for (const socket of open) socket.destroy();
      await Promise.all(lanes);
      for (const socket of open) socket.destroy();
    },
  };
}
