import type { FileStat } from '../fs/file-stat.ts';
import type { Gate } from '../fs/gate.ts';
import { encodeHandle } from '../fs/handles.ts';
import type { FileNode } from '../fs/node.ts';
import type { Caller, Identities } from '../fs/permissions.ts';
import type { FileStore } from '../fs/store.ts';
import type { Volume } from '../fs/volume.ts';
import type { Clock, NfsLimits } from '../options.ts';
import type { AttributePlan } from '../protocol/attributes.ts';
import type { Arguments, KnownOperation, Result } from '../protocol/operations.ts';
import { fail, NFS4 } from '../protocol/status.ts';
import type { Bitmap, Stateid } from '../protocol/types.ts';
import type { IncomingCall } from '../rpc/connection.ts';
import type { State } from '../state/index.ts';
import type { Client, Session } from '../state/model.ts';
import type { PseudoRoot } from './pseudo-root.ts';
import type { WriteVerifier } from './write-verifier.ts';

/** What the server consists of, for the operations. */
export interface Server {
  readonly store: FileStore;
  readonly state: State;
  readonly identities: Identities;
  readonly pseudoRoot: PseudoRoot;
  readonly plan: (mask: Bitmap) => AttributePlan;
  readonly verifier: WriteVerifier;
  readonly limits: NfsLimits;
  readonly leaseMs: number;
  readonly clock: Clock;
  /** Reads and writes of data; flushes have a gate of their own, so that they leave threads to others. */
  readonly calls: Gate;
  readonly flushes: Gate;
  /** Names this server for clients that see it on several addresses. */
  readonly scope: Buffer;
}

export type Target = FileNode | PseudoRoot;

/** One COMPOUND on its way, RFC 8881 16.2. */
export interface Context {
  readonly server: Server;
  readonly call: Pick<IncomingCall, 'lend' | 'trust'>;
  readonly caller: Caller;
  /** Whom a client record belongs to. */
  readonly principal: string;
  session: Session | undefined;
  current: Target | undefined;
  saved: Target | undefined;
  currentStateid: Stateid | undefined;
  savedStateid: Stateid | undefined;
  /** What an operation of this compound has just seen of the current file. */
  seen: FileStat | undefined;
  /** Bytes that the answer may still take. */
  roomBytes: number;
}

export type Handler<N extends KnownOperation> = (
  context: Context,
  args: Arguments<N>,
) => Result<N> | Promise<Result<N>>;
export type Handlers = { [N in KnownOperation]: Handler<N> };

export const isPseudo = (target: Target): target is PseudoRoot => 'isPseudoRoot' in target;

export const handleOf = (target: Target): Buffer =>
  isPseudo(target) ? target.handle : encodeHandle(target.volume.id, target.ino, target.birthNs);

export const current = ({ current: target }: Context): Target => target ?? fail(NFS4.ERR_NOFILEHANDLE);

/** The current file, which is one of a volume: the pseudo root cannot be changed. */
export function currentNode(context: Context, pseudoStatus: number = NFS4.ERR_ROFS): FileNode {
  const target = current(context);
  return isPseudo(target) ? fail(pseudoStatus) : target;
}

/** Another file handle: what went with the last one no longer holds. */
export function setCurrent(context: Context, target: Target, seen?: FileStat): void {
  if (!isPseudo(target)) enter(context, target.volume);
  context.current = target;
  context.seen = seen;
  context.currentStateid = undefined;
}

/** A client that comes to an export is one of its users from then on. */
function enter({ session }: Context, volume: Volume): void {
  if (session === undefined || volume.users.has(session.client)) return;
  if (volume.isUsedLocally) fail(NFS4.ERR_ACCESS);
  volume.users.add(session.client);
}

export function client({ session }: Context): Client {
  return session?.client ?? fail(NFS4.ERR_OP_NOT_IN_SESSION);
}

export async function statCurrent(context: Context): Promise<FileStat> {
  const target = current(context);
  if (isPseudo(target)) return target.stat();
  context.seen ??= await context.server.store.stat(target);
  return context.seen;
}
