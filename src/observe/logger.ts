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
      serializers: { request: redact },
    },
    options.destination ?? pino.destination({ fd: STDERR, sync: true }),
  );
}
