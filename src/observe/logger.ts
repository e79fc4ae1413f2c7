import { type DestinationStream, type Level, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import { redact } from './redact.ts';

export type Logger = PinoLogger;

const STDERR = 2;

/**
 * One JSON object a line, on standard error unless told otherwise. What is logged as `request` is redacted; errors go
 * under `err`, with their causes.
 */
export function createLogger(options: { level: Level | 'silent'; destination?: DestinationStream }): Logger {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { request: redact, err: (error: unknown) => describeError(error) },
    },
    options.destination ?? pino.destination({ fd: STDERR, sync: true }),
  );
}

const MAX_CAUSES = 8;

/** An error with all its causes; what came from a pool's thread is text and not an Error. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  return {
    type: name,
    message,
    ...(code === undefined ? {} : { code }),
    stack,
    ...(cause === undefined || depth === MAX_CAUSES ? {} : { cause: describeError(cause, depth + 1) }),
  };
}
