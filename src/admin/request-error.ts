import { type ServiceError, status } from '@grpc/grpc-js';
import { BerthError } from '../errors.ts';
import { REMEDY_KEY } from '../rpc/status.ts';

/** An error of the daemon, as it came over the wire: its catalogue may be newer than the one here. */
export class RequestError extends Error {
  readonly code: string;
  readonly remedy: string;

  constructor(code: string, message: string, remedy: string) {
    super(message);
    this.name = 'RequestError';
    this.code = code;
    this.remedy = remedy;
  }
}

/** What a failed call means to the person who made it. */
export function fromServiceError(error: ServiceError, socket: string, timeoutMs: number): RequestError | BerthError {
  const [, code, message] = /^([A-Z][A-Z0-9_]+): (.*)$/s.exec(error.details) ?? [];
  if (code !== undefined) return new RequestError(code, message!, String(error.metadata.get(REMEDY_KEY)[0] ?? ''));
  switch (error.code) {
    case status.UNAVAILABLE:
      return new BerthError('DAEMON_UNREACHABLE', { socket, problem: connectionProblem(error.details) });
    case status.DEADLINE_EXCEEDED:
      return new BerthError('REQUEST_TIMEOUT', { seconds: timeoutMs / 1_000 });
    case status.UNIMPLEMENTED:
      return new BerthError('METHOD_UNKNOWN', { method: error.details });
    default:
      return new BerthError('INTERNAL', { problem: error.message });
  }
}

/** grpc-js wraps the system's error in words about retries and names. */
function connectionProblem(details: string): string {
  const code = /\b(ENOENT|ECONNREFUSED|EACCES|ENOTSOCK)\b/.exec(details)?.[1];
  if (code === 'ENOENT') return 'there is no such socket';
  if (code === 'ECONNREFUSED') return 'nobody listens on it';
  if (code === 'EACCES') return 'permission denied, only its owner may use it';
  return details;
}
