import { randomBytes } from 'node:crypto';
import { readCompoundAnswer, writeCompound } from '../../../src/nfs/protocol/compound.ts';
import type { Arguments, Call, KnownOperation, Result } from '../../../src/nfs/protocol/operations.ts';
import type { Channel } from '../../../src/nfs/protocol/state.ts';
import { NFS4, type Status, statusName } from '../../../src/nfs/protocol/status.ts';
import { type Identity, openTransport, type Transport } from './transport.ts';
import { demandValid } from './valid-errors.ts';

/** An operation of the server that did not end with NFS4_OK. */
export class NfsClientError extends Error {
  readonly status: Status;
  readonly operation: string | undefined;
  /** What the answer has beside its status. */
  readonly result: unknown;

  constructor(status: Status, operation: string | undefined, result: unknown) {
    super(`${operation}: ${statusName(status)}`);
    this.status = status;
    this.operation = operation;
    this.result = result;
  }
}

export interface Answers {
  status: Status;
  answers: { name: KnownOperation | undefined; number: number; status: Status; result?: unknown }[];
  /** The result of the first such operation; it must have ended well. */
  of<N extends KnownOperation>(name: N): Result<N>;
}

/** Makes one operation for a compound. */
export const op = <N extends KnownOperation>(
  name: N,
  ...[args]: object extends Arguments<N> ? [Arguments<N>?] : [Arguments<N>]
): Call => ({ name, arguments: args ?? {} }) as Call;

export interface SessionOptions {
  port: number;
  host?: string;
  identity?: Identity;
  /** co_ownerid; a random one by default. */
  owner?: string;
  verifier?: Buffer;
  channel?: Partial<Channel>;
  slots?: number;
  /** Says RECLAIM_COMPLETE at once; true by default. */
  complete?: boolean;
}

/** A client with one session and one connection. */
export interface NfsSession {
  readonly transport: Transport;
  readonly clientId: bigint;
  readonly sessionId: Buffer;
  readonly fore: Channel;
  readonly owner: string;
  readonly verifier: Buffer;
  identity: Identity;
  /** Sends the operations after a SEQUENCE of their own. Rejects with NfsClientError unless all end well. */
  compound(calls: readonly Call[], options?: { cacheThis?: boolean; identity?: Identity }): Promise<Answers>;
  /** The same, and whatever the outcome. */
  attempt(calls: readonly Call[], options?: { cacheThis?: boolean; identity?: Identity }): Promise<Answers>;
  /** Ends the session and the client's record. */
  end(): Promise<void>;
}

const wrap = (status: Status, answers: Answers['answers']): Answers => ({
  status,
  answers,
  of(name) {
    const found = answers.find((answer) => answer.name === name);
    if (found === undefined || found.status !== NFS4.OK) throw new Error(`no ${name} in the answer`);
    return found.result as Result<typeof name>;
  },
});

/** Sends a compound as it is, without a session. */
export async function sendCompound(
  transport: Transport,
  calls: readonly Call[],
  identity: Identity,
  more: { minorVersion?: number; tag?: string } = {},
): Promise<Answers> {
  const { status, body } = await transport.call(writeCompound(calls, more), { identity });
  if (status !== 0) throw new Error(`RPC: ${status}`);
  const answer = readCompoundAnswer(body);
  for (const { name, status: its } of answer.answers) demandValid(name, its);
  return wrap(answer.status, answer.answers);
}

export function demandOk(answers: Answers): Answers {
  if (answers.status === NFS4.OK) return answers;
  const last = answers.answers.at(-1);
  throw new NfsClientError(answers.status, last?.name, last?.result);
}

export const channelOf = (channel: Partial<Channel> = {}): Channel => ({
  headerPadBytes: 0,
  maxRequestBytes: (1 << 20) + 4096,
  maxResponseBytes: (1 << 20) + 4096,
  maxCachedBytes: 4096,
  maxOperations: 32,
  maxRequests: 32,
  rdmaInlineReadBytes: [],
  ...channel,
});

export const exchangeId = (owner: string, verifier: Buffer, flags = 0): Call =>
  op('EXCHANGE_ID', { verifier, owner: Buffer.from(owner), flags, protection: { how: 0 }, implementation: [] });

export const createSession = (clientId: bigint, sequence: number, channel: Partial<Channel> = {}): Call =>
  op('CREATE_SESSION', {
    clientId,
    sequence,
    flags: 0,
    fore: channelOf(channel),
    back: channelOf(channel),
    callbackProgram: 0x40000000,
    security: [{ flavor: 0 }],
  });

export async function openSession(options: SessionOptions): Promise<NfsSession> {
  const { port, host, owner = `test ${randomBytes(8).toString('hex')}`, verifier = randomBytes(8) } = options;
  const identity = options.identity ?? { uid: 0, gid: 0 };
  const transport = await openTransport(port, host);
  const exchanged = demandOk(await sendCompound(transport, [exchangeId(owner, verifier)], identity)).of('EXCHANGE_ID');
  const created = demandOk(
    await sendCompound(transport, [createSession(exchanged.clientId, exchanged.sequence, options.channel)], identity),
  ).of('CREATE_SESSION');
  const { sessionId, fore } = created;
  const slots = Array.from({ length: Math.min(options.slots ?? fore.maxRequests, fore.maxRequests) }, (_, slot) => ({
    slot,
    sequence: 0,
  }));
  const free = [...slots].reverse();
  const waiting: ((slot: (typeof slots)[number]) => void)[] = [];

  const session: NfsSession = {
    transport,
    clientId: exchanged.clientId,
    sessionId,
    fore,
    owner,
    verifier,
    identity,
    async attempt(calls, { cacheThis = false, identity: as = session.identity } = {}) {
      const slot = free.pop() ?? (await new Promise<(typeof slots)[number]>((resolve) => waiting.push(resolve)));
      slot.sequence += 1;
      try {
        const sequence = op('SEQUENCE', {
          sessionId,
          sequence: slot.sequence,
          slot: slot.slot,
          highestSlot: slots.length - 1,
          cacheThis,
        });
        return await sendCompound(transport, [sequence, ...calls], as);
      } finally {
        const next = waiting.shift();
        if (next === undefined) free.push(slot);
        else next(slot);
      }
    },
    compound: async (calls, more) => demandOk(await session.attempt(calls, more)),
    async end() {
      demandOk(await sendCompound(transport, [op('DESTROY_SESSION', { sessionId })], identity));
      demandOk(await sendCompound(transport, [op('DESTROY_CLIENTID', { clientId: exchanged.clientId })], identity));
      transport.close();
    },
  };
  if (options.complete ?? true) await session.compound([op('RECLAIM_COMPLETE', { oneFileSystem: false })]);
  return session;
}
