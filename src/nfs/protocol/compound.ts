import { type Codec, name } from '../xdr/codec.ts';
import { XdrError, XdrReader } from '../xdr/reader.ts';
import { XdrWriter } from '../xdr/writer.ts';
import type { Answer, AnyOperation } from './operation.ts';
import { Op } from './operation-numbers.ts';
import { type Call, findOperation, isLegal, type KnownOperation, operations } from './operations.ts';
import { NFS4, type Status } from './status.ts';

const tagCodec = name(1024);

/** An operation that is to be carried out, or one that cannot be and the status that says so. */
export type Step = { number: number } & ({ call: Call } | { refused: Status });

export interface CompoundRequest {
  tag: string;
  minorVersion: number;
  /** As the client says; `steps` ends with the first that cannot be understood, or at `maxOperations`. */
  count: number;
  steps: Step[];
}

/** COMPOUND4args. Throws XdrError when not even its head can be read. */
export function readCompound(reader: XdrReader, maxOperations: number): CompoundRequest {
  const tag = tagCodec.read(reader);
  const minorVersion = reader.u32();
  const count = reader.count(0xffff_ffff);
  const steps: Step[] = [];
  // The operations of another minor version may look different.
  for (let i = 0; minorVersion === 1 && i < Math.min(count, maxOperations); i++) {
    const step = readStep(reader);
    steps.push(step);
    if ('refused' in step) break;
  }
  return { tag, minorVersion, count, steps };
}

function readStep(reader: XdrReader): Step {
  if (reader.remainingBytes < 4) return { number: Op.ILLEGAL, refused: NFS4.ERR_BADXDR };
  const number = reader.u32();
  const found = findOperation(number);
  if (found === undefined) {
    return isLegal(number)
      ? { number, refused: NFS4.ERR_NOTSUPP }
      : { number: Op.ILLEGAL, refused: NFS4.ERR_OP_ILLEGAL };
  }
  try {
    return { number, call: { name: found.name, arguments: found.operation.arguments.read(reader) } as Call };
  } catch (error) {
    if (error instanceof XdrError) return { number, refused: NFS4.ERR_BADXDR };
    throw error;
  }
}

/** One element of a COMPOUND4res. */
export function writeAnswer(writer: XdrWriter, number: number, answer: Answer<unknown>): void {
  writer.u32(number);
  writer.u32(answer.status);
  bodyCodec(findOperation(number)?.operation, answer.status)?.write(writer, answer.result);
}

function bodyCodec(operation: AnyOperation | undefined, status: Status): Codec<unknown> | undefined {
  if (operation === undefined) return undefined;
  if (operation.always !== undefined) return operation.always;
  if (status === NFS4.OK) return operation.result;
  return status === NFS4.ERR_DENIED ? operation.denied : undefined;
}

/** The head of a COMPOUND4res; `count` answers follow it. */
export function writeCompoundHead(writer: XdrWriter, status: Status, tag: string, count: number): void {
  writer.u32(status);
  tagCodec.write(writer, tag);
  writer.u32(count);
}

/** The client's side: COMPOUND4args of these calls. */
export function writeCompound(calls: readonly Call[], { tag = '', minorVersion = 1 } = {}): XdrWriter {
  const writer = new XdrWriter();
  tagCodec.write(writer, tag);
  writer.u32(minorVersion);
  writer.u32(calls.length);
  for (const call of calls) {
    writer.u32(Op[call.name]);
    (operations[call.name].arguments as Codec<unknown>).write(writer, call.arguments);
  }
  return writer;
}

export interface CompoundAnswer {
  status: Status;
  tag: string;
  answers: (Answer<unknown> & { name: KnownOperation | undefined; number: number })[];
}

/** The client's side: a COMPOUND4res. */
export function readCompoundAnswer(bytes: Buffer): CompoundAnswer {
  const reader = new XdrReader(bytes);
  const status = reader.u32();
  const tag = tagCodec.read(reader);
  const answers: CompoundAnswer['answers'] = [];
  for (let left = reader.count(1024, 8); left > 0; left--) {
    const number = reader.u32();
    const found = findOperation(number);
    const itsStatus = reader.u32();
    const result = bodyCodec(found?.operation, itsStatus)?.read(reader);
    answers.push({ name: found?.name, number, status: itsStatus, ...(result === undefined ? {} : { result }) });
  }
  return { status, tag, answers };
}
