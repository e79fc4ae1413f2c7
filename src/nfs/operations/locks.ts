import { constants } from 'node:fs';
import * as calls from '../fs/calls.ts';
import { pathOf } from '../fs/names.ts';
import type { FileNode } from '../fs/node.ts';
import { Share } from '../protocol/flags.ts';
import type { Arguments } from '../protocol/operations.ts';
import type { LockDenied } from '../protocol/state.ts';
import { fail, NFS4 } from '../protocol/status.ts';
import { LockType, type Stateid } from '../protocol/types.ts';
import { toRange } from '../state/locks.ts';
import type { Lock, Open, State } from '../state/model.ts';
import { anonymous, demandState } from '../state/stateids.ts';
import { type Context, client, current, type Handlers, type Target } from './context.ts';
import { actualStateid, currentFile } from './data.ts';
import { demandGrace } from './grace.ts';

type Kind = 'read' | 'write';
/** Blocking kinds are not waited for: the client asks again, RFC 8881 9.6. */
const kindOf = (type: number): Kind => (type === LockType.READ || type === LockType.READ_BLOCKING ? 'read' : 'write');
const text = (bytes: Buffer): string => bytes.toString('latin1');

/** The state that a stateid names, on the current file. */
function stateOn(context: Context, target: Target, given: Stateid): State {
  const { table } = context.server.state;
  const state = demandState(table.check(actualStateid(context, given), client(context).id));
  return state.node === target ? state : fail(NFS4.ERR_BAD_STATEID);
}

export function openOn(context: Context, target: Target, given: Stateid): Open {
  const state = stateOn(context, target, given);
  return state.kind === 'open' ? state : fail(NFS4.ERR_BAD_STATEID);
}

function lockOn(context: Context, target: Target, given: Stateid): Lock {
  const state = stateOn(context, target, given);
  return state.kind === 'lock' ? state : fail(NFS4.ERR_BAD_STATEID);
}

/** Opens the file once more: only an open file of its own has locks of its own in the kernel. */
function openForLocks({ access, files }: Open): Promise<number> {
  const [file] = files;
  if (file === undefined) fail(NFS4.ERR_BAD_STATEID);
  const canBoth = (access & Share.WRITE) !== 0 && file.readable;
  const flags = canBoth ? constants.O_RDWR : (access & Share.WRITE) !== 0 ? constants.O_WRONLY : constants.O_RDONLY;
  return calls.open(pathOf(file.fd), flags);
}

async function lockOwner(context: Context, node: FileNode, args: Arguments<'LOCK'>): Promise<Lock> {
  const { owner } = args;
  if (owner.isNew === 0) return lockOn(context, node, owner.stateid);
  const { locks } = context.server.state;
  const name = text(owner.owner.owner);
  const open = openOn(context, node, owner.openStateid);
  const known = locks.find(node, open.client, name);
  if (known !== undefined) return known;
  const fd = await openForLocks(open);
  const meanwhile = locks.find(node, open.client, name);
  if (meanwhile !== undefined || !open.client.opens.has(open)) {
    calls.close(fd);
    return meanwhile ?? fail(NFS4.ERR_BAD_STATEID);
  }
  return locks.create(open, name, fd);
}

const isDenied = (outcome: Stateid | LockDenied): outcome is LockDenied => 'owner' in outcome;

/** RFC 8881 18.10 to 18.12. */
export const lockHandlers: Pick<Handlers, 'LOCK' | 'LOCKT' | 'LOCKU'> = {
  async LOCK(context, args) {
    const node = currentFile(context);
    const { server } = context;
    const wanted = toRange(args.offset, args.length, kindOf(args.type));
    demandGrace(server, client(context), args.reclaim);
    const lock = await lockOwner(context, node, args);
    const needed = wanted.kind === 'write' ? Share.WRITE : Share.READ;
    if ((lock.open.access & needed) === 0) fail(NFS4.ERR_OPENMODE);
    const outcome = server.state.locks.lock(lock, wanted);
    if (isDenied(outcome)) {
      // A lock-owner that never got anything leaves nothing behind.
      if (lock.seqid === 0) server.state.locks.drop(lock);
      fail(args.reclaim ? NFS4.ERR_RECLAIM_CONFLICT : NFS4.ERR_DENIED, outcome);
    }
    context.currentStateid = outcome;
    return { stateid: outcome };
  },

  async LOCKT(context, { type, offset, length, owner }) {
    const node = currentFile(context);
    const { server } = context;
    if (server.state.grace.isActive) fail(NFS4.ERR_GRACE);
    const wanted = toRange(offset, length, kindOf(type));
    const file = await server.store.files.acquire(node, node.writer === undefined ? 'read' : 'write');
    try {
      const denied = server.state.locks.test(node, client(context), text(owner.owner), wanted, file.fd);
      if (denied !== undefined) fail(NFS4.ERR_DENIED, denied);
    } finally {
      server.store.files.release(node, file);
    }
    return {};
  },

  LOCKU(context, { stateid, offset, length }) {
    const target = current(context);
    const { start, end } = toRange(offset, length, 'read');
    const next = context.server.state.locks.unlock(lockOn(context, target, stateid), start, end);
    context.currentStateid = next;
    return { stateid: next };
  },
};

/** What a stateid is after CLOSE: of no use. RFC 8881 18.2.4. */
export const closedStateid: Stateid = { seqid: 0xffff_ffff, other: anonymous.other };
