import { afterEach, beforeEach, expect, it } from 'vitest';
import { readableMask } from '../../src/nfs/protocol/attributes.ts';
import { readCompoundAnswer, writeCompound } from '../../src/nfs/protocol/compound.ts';
import { NFS4 } from '../../src/nfs/protocol/status.ts';
import { XdrWriter } from '../../src/nfs/xdr/writer.ts';
import { openCall, putfh } from './client/files.ts';
import { createSession, exchangeId, op, sendCompound } from './client/session.ts';
import { openTransport } from './client/transport.ts';
import { type Harness, startHarness } from './harness.ts';

const root = { uid: 0, gid: 0 };
const verifier = Buffer.alloc(8, 1);
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness();
});
afterEach(async () => {
  await harness.close();
});

const transport = () => openTransport(harness.server.port);
const sequence = (sessionId: Buffer, number: number, slot = 0, cacheThis = false) =>
  op('SEQUENCE', { sessionId, sequence: number, slot, highestSlot: 31, cacheThis });

it('answers what is not its program, version or procedure as RFC 5531 has it', async () => {
  const connection = await transport();
  const empty = () => new XdrWriter();
  expect((await connection.call(empty(), { identity: root, program: 100005 })).status).toBe(1);
  const mismatch = await connection.call(empty(), { identity: root, version: 3 });
  expect(mismatch.status).toBe(2);
  expect(mismatch.body.toString('hex')).toBe('0000000400000004');
  expect((await connection.call(empty(), { identity: root, procedure: 9 })).status).toBe(3);
  expect((await connection.call(empty(), { identity: root })).status).toBe(4);
  expect((await connection.call(empty(), { identity: 'none', procedure: 0 })).status).toBe(0);
  const refused = await connection.call(writeCompound([op('PUTROOTFH', {})]), { identity: 'none' });
  expect(refused).toMatchObject({ status: 'denied', body: Buffer.from('0000000100000005', 'hex') });
  const old = await connection.call(empty(), { identity: root, rpcVersion: 3 });
  expect(old).toMatchObject({ status: 'denied', body: Buffer.from('000000000000000200000002', 'hex') });
  connection.close();
});

it('speaks minor version 1 only', async () => {
  const connection = await transport();
  for (const minorVersion of [0, 2]) {
    const answer = await sendCompound(connection, [op('PUTROOTFH', {})], root, { minorVersion });
    expect(answer).toMatchObject({ status: NFS4.ERR_MINOR_VERS_MISMATCH, answers: [] });
  }
  connection.close();
});

it('wants SEQUENCE first, and some operations alone', async () => {
  const connection = await transport();
  const send = async (...calls: Parameters<typeof sendCompound>[1]) =>
    (await sendCompound(connection, calls, root)).status;
  expect(await send()).toBe(NFS4.OK);
  expect(await send(op('PUTROOTFH', {}))).toBe(NFS4.ERR_OP_NOT_IN_SESSION);
  expect(await send(exchangeId('a', verifier), op('PUTROOTFH', {}))).toBe(NFS4.ERR_NOT_ONLY_OP);
  expect(await send(sequence(Buffer.alloc(16), 1))).toBe(NFS4.ERR_BADSESSION);
  const session = await harness.open();
  expect((await session.attempt([sequence(session.sessionId, 1, 5)])).status).toBe(NFS4.ERR_SEQUENCE_POS);
  connection.close();
});

it('tells illegal operations from those that it does not do', async () => {
  const session = await harness.open();
  const raw = async (number: number) => {
    const writer = writeCompound([sequence(session.sessionId, 1, 9)]).toBuffer();
    writer.writeUInt32BE(2, 8);
    const tail = Buffer.alloc(4);
    tail.writeUInt32BE(number);
    const body = new XdrWriter();
    body.fixed(Buffer.concat([writer, tail]));
    return readCompoundAnswer((await session.transport.call(body, { identity: root })).body);
  };
  const illegal = await raw(2);
  expect(illegal.answers[1]).toMatchObject({ number: 10044, status: NFS4.ERR_OP_ILLEGAL });
});

it.each([
  ['LAYOUTGET', 50],
  ['DELEGPURGE', 7],
  ['SETCLIENTID', 35],
  ['OPENATTR', 19],
])('answers %s with NOTSUPP', async (_, number) => {
  const session = await harness.open();
  const head = writeCompound([sequence(session.sessionId, 1, 9)]).toBuffer();
  head.writeUInt32BE(2, 8);
  const body = new XdrWriter();
  body.fixed(head);
  body.u32(number);
  const { answers } = readCompoundAnswer((await session.transport.call(body, { identity: root })).body);
  expect(answers[1]).toMatchObject({ number, status: NFS4.ERR_NOTSUPP });
});

it('carries a request out once and keeps its answer', async () => {
  const session = await harness.open();
  const rootHandle = (
    await session.compound([op('PUTROOTFH', {}), op('LOOKUP', { name: 'data' }), op('GETFH', {})])
  ).of('GETFH').handle;
  const remove = [sequence(session.sessionId, 1, 7, true), putfh(rootHandle), op('REMOVE', { name: 'file' })];
  const create = [sequence(session.sessionId, 1, 6, true), putfh(rootHandle), openCall(session.clientId, 'file')];
  const send = (calls: typeof remove) => session.transport.call(writeCompound(calls), { identity: root });
  const first = await send(create);
  const again = await send(create);
  expect(readCompoundAnswer(first.body).status).toBe(NFS4.OK);
  expect(again.body.equals(first.body)).toBe(true);
  expect(readCompoundAnswer((await send(remove)).body).status).toBe(NFS4.OK);
  expect(readCompoundAnswer((await send(remove)).body).status).toBe(NFS4.OK);
  const statusOf = async (calls: typeof remove) => readCompoundAnswer((await send(calls)).body).status;
  expect(await statusOf([sequence(session.sessionId, 1, 7, true), op('PUTROOTFH', {})])).toBe(NFS4.ERR_SEQ_FALSE_RETRY);
  expect(await statusOf([sequence(session.sessionId, 3, 7, true)])).toBe(NFS4.ERR_SEQ_MISORDERED);
  expect(await statusOf([sequence(session.sessionId, 1, 32)])).toBe(NFS4.ERR_BADSLOT);
});

it('tells a retransmission to wait while the request is in work', async () => {
  const session = await harness.open();
  const handle = (await session.compound([op('PUTROOTFH', {}), op('LOOKUP', { name: 'data' }), op('GETFH', {})])).of(
    'GETFH',
  ).handle;
  const calls = [sequence(session.sessionId, 1, 3, true), putfh(handle), openCall(session.clientId, 'slow')];
  const [first, second] = await Promise.all([
    session.transport.call(writeCompound(calls), { identity: root }),
    session.transport.call(writeCompound(calls), { identity: root }),
  ]);
  expect(readCompoundAnswer(first.body).status).toBe(NFS4.OK);
  expect(readCompoundAnswer(second.body).status).toBe(NFS4.ERR_DELAY);
});

it('holds a session to its limits', async () => {
  const session = await harness.open({
    channel: { maxOperations: 4, maxRequestBytes: 1024, maxResponseBytes: 1024, maxCachedBytes: 512 },
  });
  const many = Array.from({ length: 4 }, () => op('PUTROOTFH', {}));
  expect((await session.attempt(many)).status).toBe(NFS4.ERR_TOO_MANY_OPS);
  const large = op('LOOKUP', { name: 'x'.repeat(1000) });
  expect((await session.attempt([op('PUTROOTFH', {}), large])).status).toBe(NFS4.ERR_REQ_TOO_BIG);
});

it('refuses answers that are larger than agreed', async () => {
  const session = await harness.open({ channel: { maxResponseBytes: 1024, maxCachedBytes: 512, maxOperations: 64 } });
  const attributes = op('GETATTR', { mask: readableMask });
  const calls = [op('PUTROOTFH', {}), ...Array.from({ length: 4 }, () => attributes)];
  expect((await session.attempt(calls)).status).toBe(NFS4.ERR_REP_TOO_BIG);
  expect((await session.attempt(calls, { cacheThis: true })).status).toBe(NFS4.ERR_REP_TOO_BIG_TO_CACHE);
});

it('knows the cases of EXCHANGE_ID', async () => {
  const connection = await transport();
  const exchange = async (owner: string, its: Buffer, flags = 0, identity = root) => {
    const answers = await sendCompound(connection, [exchangeId(owner, its, flags)], identity);
    return {
      status: answers.status,
      ...(answers.status === 0 ? answers.of('EXCHANGE_ID') : { clientId: 0n, flags: 0 }),
    };
  };
  const other = Buffer.alloc(8, 2);
  const update = 0x40000000;
  const confirmed = 0x80000000;
  const first = await exchange('client', verifier);
  expect(first.flags & confirmed).toBe(0);
  const replaced = await exchange('client', verifier);
  expect(replaced.clientId).not.toBe(first.clientId);
  expect((await exchange('client', verifier, update)).status).toBe(NFS4.ERR_NOENT);
  const start = async (id: bigint, number = 1) =>
    (await sendCompound(connection, [createSession(id, number)], root)).status;
  expect(await start(first.clientId)).toBe(NFS4.ERR_STALE_CLIENTID);
  expect(await start(replaced.clientId, 2)).toBe(NFS4.ERR_SEQ_MISORDERED);
  expect(await start(replaced.clientId)).toBe(NFS4.OK);
  // A retransmitted CREATE_SESSION makes no second session.
  expect(await start(replaced.clientId)).toBe(NFS4.OK);
  expect(harness.server.counters().sessions).toBe(1);

  const again = await exchange('client', verifier);
  expect(again.clientId).toBe(replaced.clientId);
  expect(again.flags >>> 0).toBeGreaterThanOrEqual(confirmed);
  expect((await exchange('client', verifier, update)).status).toBe(NFS4.OK);
  expect((await exchange('client', other, update)).status).toBe(NFS4.ERR_NOT_SAME);
  expect((await exchange('client', verifier, update, { uid: 5, gid: 5 })).status).toBe(NFS4.ERR_PERM);
  expect((await exchange('client', verifier, 0x10)).status).toBe(NFS4.ERR_INVAL);

  // The client starts anew: its old session lives until the new record is confirmed.
  const restarted = await exchange('client', other);
  expect(restarted.clientId).not.toBe(replaced.clientId);
  expect(harness.server.counters().sessions).toBe(1);
  expect(await start(restarted.clientId)).toBe(NFS4.OK);
  expect(harness.server.counters()).toMatchObject({ sessions: 1, clients: 1 });
  connection.close();
});

it('does not give a client in use to another user', async () => {
  const files = await harness.files({ owner: 'shared', verifier });
  await files.open(await files.root('data'), 'file');
  const other = { uid: 7, gid: 7 };
  const connection = await transport();
  const attempt = () => sendCompound(connection, [exchangeId('shared', verifier)], other);
  expect((await attempt()).status).toBe(NFS4.ERR_CLID_INUSE);
  harness.advance(31_000);
  expect((await attempt()).status).toBe(NFS4.OK);
  connection.close();
});

it('ends sessions and clients', async () => {
  const session = await harness.open();
  const connection = await transport();
  const send = async (...calls: Parameters<typeof sendCompound>[1]) =>
    (await sendCompound(connection, calls, root)).status;
  const { sessionId, clientId } = session;
  expect(await send(op('DESTROY_CLIENTID', { clientId }))).toBe(NFS4.ERR_CLIENTID_BUSY);
  expect(await send(op('BIND_CONN_TO_SESSION', { sessionId, direction: 3, rdma: false }))).toBe(NFS4.OK);
  expect(await send(op('DESTROY_SESSION', { sessionId }))).toBe(NFS4.OK);
  expect(await send(op('DESTROY_SESSION', { sessionId }))).toBe(NFS4.ERR_BADSESSION);
  expect((await session.attempt([op('PUTROOTFH', {})])).status).toBe(NFS4.ERR_BADSESSION);
  expect(await send(op('DESTROY_CLIENTID', { clientId }))).toBe(NFS4.OK);
  expect(await send(op('DESTROY_CLIENTID', { clientId }))).toBe(NFS4.ERR_STALE_CLIENTID);
  connection.close();
});

it('refuses channels that are too small, and a second RECLAIM_COMPLETE', async () => {
  await expect(harness.open({ channel: { maxResponseBytes: 100 } })).rejects.toMatchObject({
    status: NFS4.ERR_TOOSMALL,
  });
  const session = await harness.open();
  const { status } = await session.attempt([op('RECLAIM_COMPLETE', { oneFileSystem: false })]);
  expect(status).toBe(NFS4.ERR_COMPLETE_ALREADY);
});
