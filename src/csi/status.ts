import { status } from '@grpc/grpc-js';
import { type StatusName, toBerthError } from '../errors.ts';

/** A gRPC status; `details` is grpc-js' word for its message. CSI 1.13 "Error Scheme": the status' details stay empty. */
export interface GrpcStatus {
  name: StatusName;
  code: number;
  details: string;
}

/** What a call that failed with `error` answers: the status of the catalogue, and `CODE: text`. */
export function statusOf(thrown: unknown): GrpcStatus {
  const error = toBerthError(thrown);
  return {
    name: error.status,
    code: status[error.status],
    // A lone surrogate cannot be sent, and grpc-js would throw while it answers.
    details: `${error.code}: ${error.message}`.toWellFormed(),
  };
}
