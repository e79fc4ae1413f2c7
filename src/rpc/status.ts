import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type BerthError, toBerthError } from '../errors.ts';

/** Trailing metadata with the catalogue's advice; text that is not ASCII does not fit into metadata. */
export const REMEDY_KEY = 'berth-remedy';

/** What a gRPC handler answers for anything thrown: the catalogue's status, and `CODE: text` as the message. */
export function toServiceError(thrown: unknown): Pick<ServiceError, 'code' | 'details' | 'metadata'> {
  const error: BerthError = toBerthError(thrown);
  const metadata = new Metadata();
  metadata.set(REMEDY_KEY, error.remedy);
  return { code: status[error.status], details: `${error.code}: ${error.message}`, metadata };
}
