import { errorCode } from '../../host/libc.ts';
import { readCached } from '../fs/cached.ts';
import * as calls from '../fs/calls.ts';
import { clearSetId } from '../fs/changes.ts';
import { type FileNode, noteChange, type OpenFd } from '../fs/node.ts';
import { demand, May, owns } from '../fs/permissions.ts';
import { MAX_IO_BYTES } from '../options.ts';
import { fail, NFS4 } from '../protocol/status.ts';
import { FileType, Stable, type Stateid } from '../protocol/types.ts';
import type { Open } from '../state/model.ts';
import { demandState, specialOf } from '../state/stateids.ts';
import { type Context, client, current, type Handlers, isPseudo, type Server, statCurrent } from './context.ts';

const MAX_OFFSET = 2 ** 53 - 1;
/** The head of READ's answer and what follows in the compound. */
const READ_OVERHEAD_BYTES = 512;
/** Copying more than that from the page cache is better done by another thread. */
const MAX_CACHED_BYTES = 262_144;
const NEED = { read: { share: 1, may: May.READ }, write: { share: 2, may: May.WRITE } } as const;

/** The current file if it has data; RFC 8881 18.22.3. */
export function currentFile(context: Context): FileNode {
  const target = current(context);
  if (isPseudo(target) || target.type === FileType.DIR) fail(NFS4.ERR_ISDIR);
  if (target.type === FileType.LNK) fail(NFS4.ERR_SYMLINK);
  return target.type === FileType.REG ? target : fail(NFS4.ERR_WRONG_TYPE);
}

/** The stateid itself, or the one that the compound has just made. */
export function actualStateid(context: Context, stateid: Stateid): Stateid {
  return specialOf(stateid) === 'current' ? (context.currentStateid ?? fail(NFS4.ERR_BAD_STATEID)) : stateid;
}

/**
 * That the stateid lets its owner read or write: what was opened stays open, even if the mode changes; who has no open
 * is checked now, and must not meet a share reservation.
 */
export async function demandData(
  context: Context,
  node: FileNode,
  given: Stateid,
  how: 'read' | 'write',
): Promise<void> {
  const { share, may } = NEED[how];
  const stateid = actualStateid(context, given);
  const special = specialOf(stateid);
  const { opens, table } = context.server.state;
  let open: Open | undefined;
  if (special === undefined) {
    const state = demandState(table.check(stateid, client(context).id));
    if (state.node !== node) fail(NFS4.ERR_BAD_STATEID);
    open = state.kind === 'open' ? state : state.open;
    // Who may write may also read, as a client does that fills a page before it changes a part: RFC 8881 18.22.3.
    if ((open.access & share) === 0 && how === 'write') fail(NFS4.ERR_OPENMODE);
  } else if (special === 'anonymous' || special === 'bypass') {
    const bypasses = special === 'bypass' && how === 'read';
    if (!bypasses && opens.conflicts(node, undefined, share, 0)) fail(NFS4.ERR_LOCKED);
  } else {
    fail(NFS4.ERR_BAD_STATEID);
  }
  if (context.caller.isPrivileged || (open !== undefined && open.uid === context.caller.uid)) return;
  const stat = await statCurrent(context);
  if (!owns(stat, context.caller)) demand(stat, context.caller, may);
}

/** Runs `work` with the file's descriptor, in its turn. */
async function withFile<T>(
  { store, calls: gate }: Server,
  node: FileNode,
  how: 'read' | 'write',
  work: (file: OpenFd) => Promise<T>,
): Promise<T> {
  const file = await store.files.acquire(node, how);
  try {
    return await gate.run(() => work(file));
  } finally {
    store.files.release(node, file);
  }
}

/** Flushes; a failure is told to the client that asked, and by a new verifier to all that wrote before. */
export async function flush(server: Server, fd: number, how: 'data' | 'all'): Promise<void> {
  try {
    await server.flushes.run(() => (how === 'data' ? calls.fdatasync(fd) : calls.fsync(fd)));
  } catch (error) {
    server.verifier.change();
    throw error;
  }
}

/** A file that cannot be opened for writing can be flushed as well through a descriptor for reading. */
async function acquireForFlush(server: Server, node: FileNode): Promise<OpenFd> {
  try {
    return await server.store.files.acquire(node, node.writer === undefined ? 'read' : 'write');
  } catch (error) {
    if (errorCode(error) !== 'EACCES') throw error;
    return server.store.files.acquire(node, 'write');
  }
}

/** RFC 8881 18.22, 18.32 and 18.3. */
export const dataHandlers: Pick<Handlers, 'READ' | 'WRITE' | 'COMMIT'> = {
  async READ(context, { stateid, offset, count }) {
    const node = currentFile(context);
    await demandData(context, node, stateid, 'read');
    const wanted = Math.min(count, MAX_IO_BYTES, context.roomBytes - READ_OVERHEAD_BYTES);
    if (wanted < count && wanted < MAX_IO_BYTES) fail(NFS4.ERR_REP_TOO_BIG);
    if (offset > MAX_OFFSET || wanted === 0) {
      const stat = await context.server.store.stat(node);
      return { eof: offset >= stat.sizeBytes, data: Buffer.alloc(0) };
    }
    // One byte more tells whether this is the end, which would else take another call.
    const data = await context.call.lend(wanted + 1);
    return withFile(context.server, node, 'read', async ({ fd }) => {
      if (wanted <= MAX_CACHED_BYTES && readCached(fd, data, offset))
        return { eof: false, data: data.subarray(0, wanted) };
      const got = await calls.read(fd, data, offset);
      return { eof: got <= wanted, data: data.subarray(0, Math.min(got, wanted)) };
    });
  },

  async WRITE(context, { stateid, offset, stable, data }) {
    const node = currentFile(context);
    await demandData(context, node, stateid, 'write');
    if (offset + data.length > MAX_OFFSET) fail(NFS4.ERR_FBIG);
    if (node.volume.isFull) fail(NFS4.ERR_DQUOT);
    const { server } = context;
    context.seen = undefined;
    const { value: verifier } = server.verifier;
    const file = await server.store.files.acquire(node, 'write');
    try {
      const count = await server.calls.run(() => writeAll(file.fd, data, offset));
      await clearSetId(server.store, node, context.caller);
      noteChange(node);
      if (stable === Stable.DATA_SYNC) await flush(server, file.fd, 'data');
      if (stable === Stable.FILE_SYNC) await flush(server, file.fd, 'all');
      return { count, committed: stable, verifier };
    } finally {
      server.store.files.release(node, file);
    }
  },

  async COMMIT(context) {
    const node = currentFile(context);
    const { server } = context;
    const { value: verifier } = server.verifier;
    const file = await acquireForFlush(server, node);
    try {
      await flush(server, file.fd, 'all');
    } finally {
      server.store.files.release(node, file);
    }
    return { verifier };
  },
};

/** Writes all of it, or as much as there is room for; an error only when that is nothing. */
async function writeAll(fd: number, data: Buffer, offset: number): Promise<number> {
  let done = 0;
  while (done < data.length) {
    try {
      const count = await calls.write(fd, done === 0 ? data : data.subarray(done), offset + done);
      if (count === 0) break;
      done += count;
    } catch (error) {
      if (done > 0) break;
      throw error;
    }
  }
  return done;
}
