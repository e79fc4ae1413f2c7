import type { Codec, TypeOf } from '../xdr/codec.ts';
import type { Status } from './status.ts';

/** What an operation takes, and what it answers: `status` first, then one of these. */
export interface Operation<A, R, E> {
  arguments: Codec<A>;
  /** With NFS4_OK. */
  result: Codec<R>;
  /** With NFS4ERR_DENIED, RFC 8881 18.10. */
  denied?: Codec<E>;
  /** With any status, RFC 8881 18.30. */
  always?: Codec<E>;
}

export const operation = <A, R, E = never>(
  argumentsCodec: Codec<A>,
  result: Codec<R>,
  more: Pick<Operation<A, R, E>, 'denied' | 'always'> = {},
): Operation<A, R, E> => ({ arguments: argumentsCodec, result, ...more });

// biome-ignore lint/suspicious/noExplicitAny: holds operations of every type
export type AnyOperation = Operation<any, any, any>;
export type ArgumentsOf<O extends AnyOperation> = TypeOf<O['arguments']>;
export type ResultOf<O extends AnyOperation> =
  O extends Operation<infer _A, infer R, infer E> ? ([E] extends [never] ? R : R & Partial<E>) : never;
export interface Answer<R> {
  status: Status;
  /** Absent when the operation has none with this status. */
  result?: R;
}
