import fc from 'fast-check';
import type * as protobuf from 'protobufjs';
import { expect } from 'vitest';
import { type CallError, type CsiClient, connectCsi } from '../client.ts';
import { loadOurs, Service } from '../descriptor/ours.ts';
import { type Known, messages } from './messages.ts';

export interface FuzzTarget {
  socket: string;
  known: Known;
  /** Messages for each RPC. */
  runs: number;
}

/** What an answer to a hostile message may be. INTERNAL, UNKNOWN or a broken connection are bugs. */
const ALLOWED = [
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
];

export const rpcs: readonly protobuf.Method[] = loadOurs().nestedArray.flatMap((thing) =>
  thing instanceof Service ? thing.methodsArray : [],
);

/** Sends generated messages of one RPC; throws fast-check's report, with the seed, at the first wrong answer. */
export async function fuzzRpc(rpc: protobuf.Method, target: FuzzTarget): Promise<void> {
  const type = rpc.resolvedRequestType!;
  const encode = (message: object): Buffer => Buffer.from(type.encode(type.fromObject(message)).finish());
  await withClient(target, (client) =>
    fc.assert(
      fc.asyncProperty(messages(type, target.known), (message) => expectAnswer(client, rpc.name, encode(message))),
      { numRuns: target.runs },
    ),
  );
}

/** Sends messages whose bytes were changed after encoding. */
export async function fuzzBytes(rpc: protobuf.Method, target: FuzzTarget): Promise<void> {
  const type = rpc.resolvedRequestType!;
  const mutated = fc
    .tuple(messages(type, target.known), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }))
    .map(([message, changes]) => {
      const bytes = Buffer.from(type.encode(type.fromObject(message)).finish());
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return bytes;
    });
  await withClient(target, (client) =>
    fc.assert(
      fc.asyncProperty(mutated, (bytes) => expectAnswer(client, rpc.name, bytes)),
      { numRuns: target.runs },
    ),
  );
}

async function withClient(target: FuzzTarget, use: (client: CsiClient) => Promise<void>): Promise<void> {
  const client = connectCsi(target.socket);
  try {
    await use(client);
    await client.call('Probe'); // still there
  } finally {
    client.close();
  }
}

async function expectAnswer(client: CsiClient, rpc: string, bytes: Buffer): Promise<void> {
  const error = await client.callRaw(rpc, bytes).then(
    () => undefined,
    (thrown: CallError) => thrown,
  );
  if (error === undefined) return;
  expect(ALLOWED).toContain(error.status);
  expect(error.message).not.toBe('');
  expect(error.hasStatusDetails).toBe(false);
}
