import type { FileNode, OpenFd } from '../fs/node.ts';
import type { Channel } from '../protocol/state.ts';
import type { Range } from './ranges.ts';

/** A client as EXCHANGE_ID makes it known, RFC 8881 2.4. */
export interface Client {
  readonly id: bigint;
  /** co_ownerid, one character a byte. */
  readonly owner: string;
  /** co_verifier: another one is a client that has started anew. */
  readonly verifier: string;
  /** Who may change this record. */
  readonly principal: string;
  confirmed: boolean;
  /** The csa_sequence that the next CREATE_SESSION must have. */
  nextSequence: number;
  /** What the last CREATE_SESSION was answered, for its retransmission. */
  lastSession: unknown;
  readonly sessions: Set<Session>;
  renewedMs: number;
  /** RECLAIM_COMPLETE has come: no more reclaims, new state from now on. */
  isReclaimComplete: boolean;
  /** It held state before the server's last restart. */
  mayReclaim: boolean;
  readonly opens: Set<Open>;
  lockCount: number;
  destroyed: boolean;
}

export interface Session {
  readonly key: string;
  readonly id: Buffer;
  readonly client: Client;
  readonly fore: Channel;
  readonly slots: Slot[];
}

/** One request at a time, and the answer to the last one; RFC 8881 2.10.6. */
export interface Slot {
  sequence: number;
  busy: boolean;
  /** A checksum of the request, to tell a retransmission from a mistake. */
  digest: number;
  reply: Buffer | undefined;
}

/** Whatever a stateid names. */
export type State = Open | Lock;

interface Stateful {
  /** The stateid's `other`, one character a byte. */
  readonly key: string;
  seqid: number;
  readonly client: Client;
  readonly node: FileNode;
}

/** What one open-owner has open of one file. */
export interface Open extends Stateful {
  readonly kind: 'open';
  readonly owner: string;
  /** Who opened it: for them permissions were checked then. */
  readonly uid: number;
  access: number;
  deny: number;
  /** The pairs of access and deny that it was opened with, a bit each; a downgrade may leave some: RFC 8881 18.18.3. */
  history: number;
  readonly files: OpenFd[];
  /** Most are never locked, and a set takes as much memory as all the rest. */
  locks: Set<Lock> | undefined;
}

/** What one lock-owner has locked of one file. */
export interface Lock extends Stateful {
  readonly kind: 'lock';
  readonly owner: string;
  readonly open: Open;
  ranges: Range[];
  /** An open file of its own, which holds the kernel's locks. */
  readonly fd: number;
}

/** All state that hangs on one file. */
export interface FileState {
  readonly opens: Set<Open>;
  locks: Set<Lock> | undefined;
}
