import { errorCode } from '../../host/libc.ts';
import { findConflict, tryLockRange, unlockRange } from '../../host/record-lock.ts';
import * as calls from '../fs/calls.ts';
import type { FileNode } from '../fs/node.ts';
import type { LockDenied } from '../protocol/state.ts';
import { fail, NFS4 } from '../protocol/status.ts';
import type { Stateid } from '../protocol/types.ts';
import type { Client, Lock, Open } from './model.ts';
import { stateOf } from './opens.ts';
import { conflictIn, END, type Range, withRange } from './ranges.ts';
import { advance, type StateTable } from './stateids.ts';

/** The largest offset that the kernel knows. */
const MAX_OFFSET = (1n << 63n) - 1n;
const ALL_BITS = (1n << 64n) - 1n;

/** Byte-range locks: between owners here, against local processes in the kernel. */
export interface Locks {
  find(node: FileNode, client: Client, owner: string): Lock | undefined;
  /** A lock-owner's state of the file; `fd` is an open file of its own, taken over. */
  create(open: Open, owner: string, fd: number): Lock;
  /** Locks the range, or tells who is in the way. */
  lock(lock: Lock, range: Range): Stateid | LockDenied;
  unlock(lock: Lock, start: bigint, end: bigint): Stateid;
  /** Who would be in the way; `fd` any descriptor of the file. */
  test(node: FileNode, client: Client, owner: string, range: Range, fd: number): LockDenied | undefined;
  drop(lock: Lock): void;
}

/** The range of a LOCK's offset and length, RFC 8881 18.10.3: a length of all bits is up to the end. */
export function toRange(offset: bigint, length: bigint, kind: Range['kind']): Range {
  if (length === 0n) fail(NFS4.ERR_INVAL);
  if (length === ALL_BITS) return { start: offset, end: END, kind };
  if (offset + length > END) fail(NFS4.ERR_INVAL);
  return { start: offset, end: offset + length, kind };
}

const lengthOf = ({ start, end }: Range): bigint => (end === END ? ALL_BITS : end - start);

/** What the kernel can be told of the range; undefined when all of it lies behind the kernel's largest offset. */
function forKernel(start: bigint, end: bigint): { startBytes: bigint; lengthBytes: bigint } | undefined {
  if (start > MAX_OFFSET) return undefined;
  return { startBytes: start, lengthBytes: end > MAX_OFFSET ? 0n : end - start };
}

export function createLocks({
  table,
  maxPerClient,
  isExpired,
  expire,
}: {
  table: StateTable;
  maxPerClient: number;
  isExpired(client: Client): boolean;
  expire(client: Client): void;
}): Locks {
  const find: Locks['find'] = (node, client, owner) => {
    for (const lock of stateOf(node)?.locks ?? []) {
      if (lock.client === client && lock.owner === owner) return lock;
    }
    return undefined;
  };

  const blocking = (
    node: FileNode,
    self: Lock | undefined,
    wanted: Range,
  ): { lock: Lock; range: Range } | undefined => {
    for (const lock of stateOf(node)?.locks ?? []) {
      if (lock === self) continue;
      const range = conflictIn(lock.ranges, wanted);
      if (range !== undefined) return { lock, range };
    }
    return undefined;
  };

  /** Another NFS owner in the way, whose client is not gone. */
  const denied = (node: FileNode, self: Lock | undefined, wanted: Range): LockDenied | undefined => {
    for (;;) {
      const found = blocking(node, self, wanted);
      if (found === undefined) return undefined;
      const { client, owner } = found.lock;
      if (!isExpired(client)) {
        return describe(found.range, { clientId: client.id, owner: Buffer.from(owner, 'latin1') });
      }
      expire(client);
    }
  };

  /** A local process in the way. */
  const deniedLocally = (fd: number, wanted: Range): LockDenied | undefined => {
    const range = forKernel(wanted.start, wanted.end);
    const found = range && findConflict(fd, wanted.kind, range);
    if (found === undefined) return undefined;
    const { startBytes: start, lengthBytes } = found;
    const end = lengthBytes === 0n ? END : start + lengthBytes;
    return describe({ start, end, kind: found.kind }, { clientId: 0n, owner: Buffer.from('local') });
  };

  const drop: Locks['drop'] = (lock) => {
    // Now, since the descriptor is closed later and somebody may be waiting for the range.
    if (lock.ranges.length > 0) unlockRange(lock.fd, { startBytes: 0n, lengthBytes: 0n });
    lock.ranges = [];
    lock.client.lockCount -= 1;
    lock.open.locks?.delete(lock);
    stateOf(lock.node)?.locks?.delete(lock);
    table.remove(lock);
    calls.close(lock.fd);
  };

  return {
    find,
    drop,
    create(open, owner, fd) {
      const { client, node } = open;
      if (client.lockCount >= maxPerClient) {
        calls.close(fd);
        fail(NFS4.ERR_SERVERFAULT);
      }
      client.lockCount += 1;
      const lock: Lock = {
        kind: 'lock',
        key: table.newKey(),
        seqid: 0,
        client,
        node,
        owner,
        open,
        ranges: [],
        fd,
      };
      table.add(lock);
      for (const holder of [open, stateOf(node)!]) {
        holder.locks ??= new Set();
        holder.locks.add(lock);
      }
      return lock;
    },
    lock(lock, wanted) {
      const inTheWay = denied(lock.node, lock, wanted);
      if (inTheWay !== undefined) return inTheWay;
      const range = forKernel(wanted.start, wanted.end);
      try {
        if (range !== undefined && !tryLockRange(lock.fd, wanted.kind, range)) {
          // Whoever it was may have let go meanwhile; the client asks again anyhow.
          return deniedLocally(lock.fd, wanted) ?? describe(wanted, { clientId: 0n, owner: Buffer.from('local') });
        }
      } catch (error) {
        // A descriptor that is not open for writing cannot hold a write lock: RFC 8881 18.10.3.
        if (errorCode(error) === 'EBADF') fail(NFS4.ERR_OPENMODE);
        throw error;
      }
      lock.ranges = withRange(lock.ranges, wanted.start, wanted.end, wanted.kind);
      return advance(lock);
    },
    unlock(lock, start, end) {
      const range = forKernel(start, end);
      if (range !== undefined) unlockRange(lock.fd, range);
      lock.ranges = withRange(lock.ranges, start, end);
      return advance(lock);
    },
    test(node, client, owner, wanted, fd) {
      const self = find(node, client, owner);
      return denied(node, self, wanted) ?? deniedLocally(self?.fd ?? fd, wanted);
    },
  };
}

const describe = (range: Range, owner: LockDenied['owner']): LockDenied => ({
  offset: range.start,
  length: lengthOf(range),
  type: range.kind === 'read' ? 1 : 2,
  owner,
});
