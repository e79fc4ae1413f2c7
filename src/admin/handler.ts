import { randomUUID } from 'node:crypto';
import type { handleUnaryCall, ServerUnaryCall } from '@grpc/grpc-js';
import { BerthError } from '../errors.ts';
import { toServiceError } from '../rpc/status.ts';
import type { Call } from '../volumes/model.ts';

/** For callers that set no deadline. */
const DEFAULT_DEADLINE_MS = 60_000;
const ANSWER_MS = 250;

/** What happened to one call, for the log and the metrics. */
export interface CallRecord {
  method: string;
  requestId: string;
  durationMs: number;
  /** What the handler threw; undefined when the call went well. */
  error?: unknown;
}

export type Observe = (record: CallRecord) => void;

/** A unary method: reads the deadline, maps errors, reports the call. */
export function unary<Request, Response>(
  method: string,
  observe: Observe,
  handle: (request: Request, call: Call) => Promise<Response> | Response,
): handleUnaryCall<Request, Response> {
  return async (surface, answer) => {
    const call = callOf(surface);
    const startedAt = performance.now();
    const record = (error?: unknown) =>
      observe({ method, requestId: call.requestId, durationMs: performance.now() - startedAt, error });
    try {
      const response = await handle(surface.request, call);
      record();
      answer(null, response);
    } catch (error) {
      record(error);
      answer(toServiceError(error));
    }
  };
}

/** The deadline is a little before the caller's, so that what the daemon has to say of it arrives in time. */
function callOf(surface: Pick<ServerUnaryCall<unknown, unknown>, 'getDeadline'>): Call {
  const now = Date.now();
  const given = Number(surface.getDeadline());
  const leftMs = Number.isFinite(given) ? given - now : DEFAULT_DEADLINE_MS;
  return { deadline: now + leftMs - Math.min(ANSWER_MS, leftMs / 10), requestId: randomUUID() };
}

/** The field's value; throws FIELD_INVALID when it is empty. */
export function required(field: string, value: string): string {
  if (value === '') throw new BerthError('FIELD_INVALID', { field, problem: 'is missing' });
  return value;
}

/** A size that fits the request; proto3 leaves 0 where nothing was set. */
export function sizeOf(field: string, value: string): bigint {
  const bytes = BigInt(value);
  if (bytes < 0n) throw new BerthError('FIELD_INVALID', { field, problem: `${bytes} is negative` });
  return bytes;
}
