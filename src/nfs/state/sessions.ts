import { randomBytes } from 'node:crypto';
import type { Channel } from '../protocol/state.ts';
import { fail, NFS4, type Status } from '../protocol/status.ts';
import { SESSION_ID_BYTES } from '../protocol/types.ts';
import type { Client, Session, Slot } from './model.ts';

/** What a session offers at most, and less when the client asks for less. */
export interface SessionLimits {
  maxRequestBytes: number;
  maxResponseBytes: number;
  maxCachedBytes: number;
  maxOperations: number;
  maxSlots: number;
  maxSessionsPerClient: number;
}

/** Below this not even small requests or answers fit. */
const MIN_MESSAGE_BYTES = 512;
const MAX_SEQUENCE = 0xffff_ffff;

export interface Sessions {
  create(client: Client, fore: Channel): Session;
  find(id: Buffer): Session | undefined;
  remove(session: Session): void;
  readonly size: number;
}

export function negotiate(asked: Channel, limits: SessionLimits): Channel {
  if (asked.maxRequestBytes < MIN_MESSAGE_BYTES || asked.maxResponseBytes < MIN_MESSAGE_BYTES) fail(NFS4.ERR_TOOSMALL);
  return {
    headerPadBytes: 0,
    maxRequestBytes: Math.min(asked.maxRequestBytes, limits.maxRequestBytes),
    maxResponseBytes: Math.min(asked.maxResponseBytes, limits.maxResponseBytes),
    maxCachedBytes: Math.min(asked.maxCachedBytes, limits.maxCachedBytes),
    maxOperations: Math.max(1, Math.min(asked.maxOperations, limits.maxOperations)),
    maxRequests: Math.max(1, Math.min(asked.maxRequests, limits.maxSlots)),
    rdmaInlineReadBytes: [],
  };
}

export function createSessions(limits: SessionLimits): Sessions {
  const sessions = new Map<string, Session>();
  return {
    create(client, fore) {
      if (client.sessions.size >= limits.maxSessionsPerClient) fail(NFS4.ERR_NOSPC);
      const id = randomBytes(SESSION_ID_BYTES);
      const slots = Array.from(
        { length: fore.maxRequests },
        (): Slot => ({ sequence: 0, busy: false, digest: 0, reply: undefined }),
      );
      const session = { key: id.toString('latin1'), id, client, fore, slots };
      sessions.set(session.key, session);
      client.sessions.add(session);
      return session;
    },
    find: (id) => sessions.get(id.toString('latin1')),
    remove(session) {
      sessions.delete(session.key);
      session.client.sessions.delete(session);
    },
    get size() {
      return sessions.size;
    },
  };
}

/** What a SEQUENCE means for its slot: a new request, or the answer that the slot has kept. */
export type Turn =
  | { kind: 'new'; slot: Slot }
  | { kind: 'replay'; reply: Buffer }
  | { kind: 'refused'; status: Status };

/** RFC 8881 2.10.6.1. A new request occupies the slot until `finishTurn`. */
export function takeTurn(session: Session, index: number, sequence: number, digest: number): Turn {
  const slot = session.slots[index];
  if (slot === undefined) return { kind: 'refused', status: NFS4.ERR_BADSLOT };
  const next = slot.sequence === MAX_SEQUENCE ? 0 : slot.sequence + 1;
  if (sequence === next && !slot.busy) {
    slot.sequence = sequence;
    slot.busy = true;
    slot.digest = digest;
    slot.reply = undefined;
    return { kind: 'new', slot };
  }
  if (sequence !== slot.sequence) return { kind: 'refused', status: NFS4.ERR_SEQ_MISORDERED };
  if (slot.busy) return { kind: 'refused', status: NFS4.ERR_DELAY };
  if (slot.digest !== digest) return { kind: 'refused', status: NFS4.ERR_SEQ_FALSE_RETRY };
  return slot.reply === undefined
    ? { kind: 'refused', status: NFS4.ERR_RETRY_UNCACHED_REP }
    : { kind: 'replay', reply: slot.reply };
}

export function finishTurn(slot: Slot, reply: Buffer | undefined): void {
  slot.reply = reply;
  slot.busy = false;
}
