import { BerthError, type ErrorCode, type ErrorDetails, toBerthError } from '../errors.ts';
import type { WireError } from './protocol.ts';

/** Errors cross between threads as their code and details; the cause goes along as text, for the log. */
export function toWire(thrown: unknown): WireError {
  const error = toBerthError(thrown);
  const cause = error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : error.cause;
  return { code: error.code, details: error.details, cause: cause === undefined ? undefined : String(cause) };
}

export const fromWire = ({ code, details, cause }: WireError): BerthError =>
  new BerthError(code as ErrorCode, details as ErrorDetails<ErrorCode>, cause === undefined ? {} : { cause });
