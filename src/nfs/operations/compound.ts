import { crc32 } from 'node:zlib';
import { toStatus } from '../fs/errors.ts';
import type { Caller } from '../fs/permissions.ts';
import { squashed } from '../fs/permissions.ts';
import { type CompoundRequest, readCompound, type Step, writeAnswer, writeCompoundHead } from '../protocol/compound.ts';
import type { Answer } from '../protocol/operation.ts';
import { Op } from '../protocol/operation-numbers.ts';
import type { Arguments, Call, KnownOperation } from '../protocol/operations.ts';
import { NFS4, NfsError, type Status } from '../protocol/status.ts';
import type { IncomingCall } from '../rpc/connection.ts';
import type { CompoundHandler } from '../rpc/dispatch.ts';
import type { Credentials } from '../rpc/message.ts';
import type { Session, Slot } from '../state/model.ts';
import { finishTurn, takeTurn } from '../state/sessions.ts';
import { XdrWriter } from '../xdr/writer.ts';
import type { Context, Handlers, Server } from './context.ts';

/** What one operation's answer may take that the reply must have room for before it has an effect. */
const ANSWER_BYTES = 300;
/** The head of the RPC reply and of the compound's. */
const HEAD_BYTES = 64;
/** Answers up to this size are kept even when the client does not ask for it. */
const SMALL_BYTES = 1024;
const DIGEST_BYTES = 1024;

/** Operations that go without a session, and then alone: RFC 8881 2.10.5, 15.1.3.5. */
const ALONE: readonly KnownOperation[] = [
  'EXCHANGE_ID',
  'CREATE_SESSION',
  'DESTROY_SESSION',
  'BIND_CONN_TO_SESSION',
  'DESTROY_CLIENTID',
];

export interface CompoundEvents {
  onOperation(name: string, status: Status, durationMs: number): void;
  /** A defect of the server, answered with NFS4ERR_SERVERFAULT. */
  onDefect(error: unknown): void;
}

export function createCompound(server: Server, handlers: Handlers, events: CompoundEvents): CompoundHandler {
  return async (call, credentials) => {
    const digest = digestOf(call.arguments.rest());
    const request = readCompound(call.arguments, server.limits.maxOperations);
    if (request.minorVersion !== 1) return reply(request, NFS4.ERR_MINOR_VERS_MISMATCH, 0);
    const [first] = request.steps;
    if (first === undefined) return reply(request, NFS4.OK, 0);
    const context = createContext(server, call, credentials);
    if ('call' in first && first.call.name === 'SEQUENCE') {
      return runInSession(context, call, request, first.call.arguments, digest);
    }
    const body = new XdrWriter();
    if ('refused' in first) return answerOnly(body, request, first.number, first.refused);
    if (!ALONE.includes(first.call.name)) return answerOnly(body, request, first.number, NFS4.ERR_OP_NOT_IN_SESSION);
    if (request.count > 1) return answerOnly(body, request, first.number, NFS4.ERR_NOT_ONLY_OP);
    return runSteps(context, request, request.steps, body, 0);
  };

  async function runInSession(
    context: Context,
    call: IncomingCall,
    request: CompoundRequest,
    args: Arguments<'SEQUENCE'>,
    digest: number,
  ): Promise<XdrWriter> {
    const body = new XdrWriter();
    const refuse = (status: Status): XdrWriter => answerOnly(body, request, Op.SEQUENCE, status);
    const session = server.state.sessions.find(args.sessionId);
    if (session === undefined) return refuse(NFS4.ERR_BADSESSION);
    if (request.count > session.fore.maxOperations) return refuse(NFS4.ERR_TOO_MANY_OPS);
    if (call.recordBytes > session.fore.maxRequestBytes) return refuse(NFS4.ERR_REQ_TOO_BIG);
    if (args.highestSlot >= session.slots.length) return refuse(NFS4.ERR_BAD_HIGH_SLOT);
    const turn = takeTurn(session, args.slot, args.sequence, digest);
    if (turn.kind === 'refused') return refuse(turn.status);
    session.client.renewedMs = server.clock.now();
    call.trust();
    if (turn.kind === 'replay') {
      const writer = new XdrWriter(turn.reply.length);
      writer.fixed(turn.reply);
      return writer;
    }
    context.session = session;
    writeAnswer(body, Op.SEQUENCE, { status: NFS4.OK, result: sequenceResult(session, args) });
    return runSlot(context, turn.slot, request, body, args.cacheThis);
  }

  async function runSlot(
    context: Context,
    slot: Slot,
    request: CompoundRequest,
    body: XdrWriter,
    cacheThis: boolean,
  ): Promise<XdrWriter> {
    const { fore } = context.session!;
    const limitBytes =
      (cacheThis ? Math.min(fore.maxResponseBytes, fore.maxCachedBytes) : fore.maxResponseBytes) - HEAD_BYTES;
    const tooBig =
      cacheThis && fore.maxCachedBytes < fore.maxResponseBytes ? NFS4.ERR_REP_TOO_BIG_TO_CACHE : NFS4.ERR_REP_TOO_BIG;
    let kept: Buffer | undefined;
    try {
      const answer = await runSteps(context, request, request.steps.slice(1), body, 1, { limitBytes, tooBig });
      if (cacheThis || answer.length <= SMALL_BYTES) {
        kept = answer.toBuffer();
        const copy = new XdrWriter(kept.length);
        copy.fixed(kept);
        return copy;
      }
      return answer;
    } finally {
      finishTurn(slot, kept);
    }
  }

  /** Carries out the steps until one fails, RFC 8881 16.2.3. */
  async function runSteps(
    context: Context,
    request: CompoundRequest,
    steps: readonly Step[],
    body: XdrWriter,
    answered: number,
    { limitBytes, tooBig } = { limitBytes: SMALL_BYTES, tooBig: NFS4.ERR_REP_TOO_BIG as Status },
  ): Promise<XdrWriter> {
    let status: Status = NFS4.OK;
    let count = answered;
    for (const step of steps) {
      const before = body.length;
      context.roomBytes = limitBytes - before;
      const answer: Answer<unknown> =
        context.roomBytes < ANSWER_BYTES ? { status: tooBig } : await runStep(context, step);
      writeAnswer(body, step.number, withBody(step, answer));
      count += 1;
      status = answer.status;
      if (body.length > limitBytes && status === NFS4.OK) {
        body.truncate(before);
        status = tooBig;
        writeAnswer(body, step.number, withBody(step, { status }));
      }
      if (status !== NFS4.OK) break;
    }
    return reply(request, status, count, body);
  }

  async function runStep(context: Context, step: Step): Promise<Answer<unknown>> {
    if ('refused' in step) return { status: step.refused };
    const { name, arguments: args } = step.call;
    if (name === 'SEQUENCE') return { status: NFS4.ERR_SEQUENCE_POS };
    const startMs = server.clock.now();
    const answer = await carryOut(context, name, args);
    events.onOperation(name, answer.status, server.clock.now() - startMs);
    return answer;
  }

  async function carryOut(context: Context, name: KnownOperation, args: Call['arguments']): Promise<Answer<unknown>> {
    try {
      const handler = handlers[name] as (context: Context, args: unknown) => unknown;
      return { status: NFS4.OK, result: await handler(context, args) };
    } catch (error) {
      if (error instanceof NfsError) return { status: error.status, result: error.body };
      const status = toStatus(error);
      if (status !== undefined) return { status };
      events.onDefect(error);
      return { status: NFS4.ERR_SERVERFAULT };
    }
  }

  function sequenceResult(session: Session, { sessionId, sequence, slot }: Arguments<'SEQUENCE'>) {
    const highest = session.slots.length - 1;
    return { sessionId, sequence, slot, highestSlot: highest, targetHighestSlot: highest, flags: 0 };
  }
}

/** SETATTR tells which attributes were set also when it fails: none. */
const withBody = (step: Step, answer: Answer<unknown>): Answer<unknown> =>
  step.number === Op.SETATTR && answer.result === undefined ? { ...answer, result: { set: [] } } : answer;

function answerOnly(body: XdrWriter, request: CompoundRequest, number: number, status: Status): XdrWriter {
  writeAnswer(body, number, { status, ...(number === Op.SETATTR ? { result: { set: [] } } : {}) });
  return reply(request, status, 1, body);
}

function reply({ tag }: CompoundRequest, status: Status, count: number, body?: XdrWriter): XdrWriter {
  const writer = new XdrWriter();
  writeCompoundHead(writer, status, tag, count);
  if (body !== undefined) writer.append(body);
  return writer;
}

function createContext(server: Server, call: IncomingCall, credentials: Credentials): Context {
  const { identities } = server;
  const who = squashed(credentials, identities);
  const caller: Caller = { ...who, isPrivileged: identities.identity === 'server' || who.uid === 0 };
  return {
    server,
    call,
    caller,
    principal: String(credentials.uid),
    session: undefined,
    current: undefined,
    saved: undefined,
    currentStateid: undefined,
    savedStateid: undefined,
    seen: undefined,
    roomBytes: SMALL_BYTES,
  };
}

/** Enough of a request to tell it from another one on the same slot, RFC 8881 2.10.6.1.3.1. */
const digestOf = (request: Buffer): number =>
  (crc32(request.subarray(0, DIGEST_BYTES)) ^ Math.imul(request.length, 0x9e3779b1)) >>> 0;
