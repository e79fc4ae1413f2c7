import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeCompound } from '../../src/nfs/protocol/compound.ts';
import { NFS4 } from '../../src/nfs/protocol/status.ts';
import { XdrWriter } from '../../src/nfs/xdr/writer.ts';
import { putfh } from './client/files.ts';
import { op } from './client/session.ts';
import { openTransport } from './client/transport.ts';
import { type Harness, startHarness } from './harness.ts';
import { startHostilePeers, ways } from './hostile-peers.ts';

const MAX_BYTES = 4 << 20;
let harness: Harness;
const sockets: Socket[] = [];

beforeEach(async () => {
  harness = await startHarness({
    limits: { maxConnections: 40, maxBytes: MAX_BYTES, maxRequestsPerConnection: 8, maxBytesPerConnection: 2 << 20 },
  });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  const { complaints } = harness;
  await harness.close();
  expect(complaints).toEqual([]);
});

const dial = async (): Promise<Socket> => {
  const socket = connect(harness.server.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
};
const ended = (socket: Socket): Promise<unknown> => (socket.closed ? Promise.resolve() : once(socket, 'close'));

it('goes on serving while others send rubbish', async () => {
  const files = await harness.files();
  const root = await files.root('data');
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.boolean(), async (bytes, framed) => {
      const socket = await dial();
      const mark = Buffer.alloc(4);
      mark.writeUInt32BE((0x8000_0000 | bytes.length) >>> 0);
      socket.end(framed ? Buffer.concat([mark, bytes]) : bytes);
      socket.resume();
      await ended(socket);
      expect((await files.getattr(root, 'type')).type).toBe(2);
    }),
    { numRuns: 100 },
  );
});

it('survives calls whose arguments were changed', async () => {
  const session = await harness.open();
  const calls = [
    op('SEQUENCE', { sessionId: session.sessionId, sequence: 1, slot: 5, highestSlot: 5, cacheThis: true }),
    op('PUTROOTFH', {}),
    op('LOOKUP', { name: 'data' }),
    op('GETATTR', { mask: [0xffff_ffff, 0xffff_ffff] }),
  ];
  const original = writeCompound(calls).toBuffer();
  const edits = fc.array(fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(edits, async (changes) => {
      const bytes = Buffer.from(original);
      for (const [at, byte] of changes) bytes[at] = byte;
      const writer = new XdrWriter();
      writer.fixed(bytes);
      const { status } = await session.transport.call(writer, { identity: session.identity });
      expect([0, 4]).toContain(status);
    }),
    { numRuns: 300 },
  );
});

it('gives up the records that come in slowest when memory is short', async () => {
  const files = await harness.files();
  const root = await files.root('data');
  const slow = await Promise.all(Array.from({ length: 20 }, dial));
  for (const socket of slow) {
    const record = Buffer.alloc(600_000);
    record.writeUInt32BE((0x8000_0000 | (1 << 20)) >>> 0);
    socket.write(record);
  }
  await expect.poll(() => slow.filter((socket) => socket.closed).length).toBeGreaterThan(10);
  expect(harness.server.counters().heldBytes).toBeLessThanOrEqual(MAX_BYTES + (1 << 20));
  expect((await files.getattr(root, 'type')).type).toBe(2);
});

it('does not read on for a peer that does not take its answers', async () => {
  const files = await harness.files();
  const root = await files.root('data');
  const file = await files.open(root, 'large');
  await files.write(file, 0, Buffer.alloc(1 << 20));
  const greedy = await harness.open();
  greedy.transport.socket.pause();
  const read = op('READ', { stateid: { seqid: 0, other: Buffer.alloc(12) }, offset: 0, count: 1 << 20 });
  const answers = Array.from({ length: 30 }, () => greedy.compound([putfh(file.handle), read]));
  await expect.poll(() => harness.server.counters().heldBytes).toBeGreaterThan(1 << 20);
  for (let i = 0; i < 50; i++) await files.getattr(root, 'type');
  expect(harness.server.counters().heldBytes).toBeLessThanOrEqual(MAX_BYTES + (1 << 20));
  greedy.transport.socket.resume();
  for (const answer of await Promise.all(answers)) expect(answer.of('READ').data.length).toBe(1 << 20);
  await expect.poll(() => harness.server.counters().heldBytes).toBe(0);
});

it('bounds connections, clients and what they have open', async () => {
  await harness.close();
  harness = await startHarness({
    limits: { maxConnections: 3, maxClients: 2, maxOpensPerClient: 2, maxSessionsPerClient: 1 },
  });
  const files = await harness.files();
  const root = await files.root('data');
  await files.open(root, 'a');
  await files.open(root, 'b');
  await expect(files.open(root, 'c')).rejects.toMatchObject({ status: NFS4.ERR_NOSPC });
  await Promise.all([dial(), dial()]);
  const refused = await dial();
  refused.resume();
  await ended(refused);
  expect(harness.server.counters().refusedConnections).toBe(1);
});

it('takes up the calls of a stranger one by one', async () => {
  const connection = await openTransport(harness.server.port);
  const startMs = performance.now();
  const call = () => connection.call(new XdrWriter(), { identity: { uid: 0, gid: 0 }, procedure: 0 });
  const answers = await Promise.all(Array.from({ length: 11 }, call));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([0]));
  // Ten rests of 10 ms, which a timer may cut by one.
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(90);
  connection.close();
});

it('lets in whom it is told to', async () => {
  await harness.close();
  harness = await startHarness({ allow: ['192.0.2.0/24', '2001:db8::/32'] });
  const socket = await dial();
  socket.resume();
  await ended(socket);
  expect(harness.server.counters()).toMatchObject({ refusedConnections: 1, connections: 0 });
});

it('serves a good client while others do all that they can think of', async () => {
  const files = await harness.files();
  const root = await files.root('data');
  const file = await files.open(root, 'large');
  await files.write(file, 0, Buffer.alloc(1 << 20));
  const peers = startHostilePeers({ port: harness.server.port, count: 3 * ways.length, file: file.handle });
  try {
    const page = Buffer.alloc(4096);
    for (let i = 0; i < 200 || peers.counts.ended < 200; i++) {
      page.fill(i);
      await files.write(file, (i % 256) * page.length, page);
      expect((await files.read(file, (i % 256) * page.length, page.length)).data.equals(page)).toBe(true);
      expect(harness.server.counters().heldBytes).toBeLessThanOrEqual(MAX_BYTES + 2 * (1 << 20));
    }
  } finally {
    await peers.stop();
  }
  await expect.poll(() => harness.server.counters()).toMatchObject({ connections: 1, heldBytes: 0 });
});
