import type { FileNode, OpenFd } from '../fs/node.ts';
import type { OpenFiles } from '../fs/open-files.ts';
import { fail, NFS4 } from '../protocol/status.ts';
import type { Stateid } from '../protocol/types.ts';
import type { Client, FileState, Lock, Open } from './model.ts';
import { advance, type StateTable } from './stateids.ts';

export const stateOf = (node: FileNode): FileState | undefined => node.state as FileState | undefined;

function stateFor(node: FileNode): FileState {
  const state = stateOf(node) ?? { opens: new Set(), locks: undefined };
  node.state = state;
  return state;
}

export interface OpenRequest {
  client: Client;
  owner: string;
  node: FileNode;
  access: number;
  deny: number;
  uid: number;
  /** Taken over: closed with the open, or at once when this fails. */
  files: OpenFd[];
}

/** Which files are open, by whom and how. */
export interface Opens {
  /** Opens, or adds to what the owner has open of the file. NFS4ERR_SHARE_DENIED when someone else is in the way. */
  open(request: OpenRequest): { open: Open; stateid: Stateid };
  downgrade(open: Open, access: number, deny: number): Stateid;
  /** NFS4ERR_LOCKS_HELD while there are locks. */
  close(open: Open): Stateid;
  /** Gives up the open with all its locks. */
  drop(open: Open): void;
  /** Whether others than `self` keep one from this access or deny. */
  conflicts(node: FileNode, self: Open | undefined, access: number, deny: number): boolean;
}

export function createOpens({
  table,
  files,
  maxPerClient,
  isExpired,
  expire,
  dropLock,
}: {
  table: StateTable;
  files: OpenFiles;
  maxPerClient: number;
  isExpired(client: Client): boolean;
  /** Ends a client that has not renewed its lease and is now in the way. */
  expire(client: Client): void;
  dropLock(lock: Lock): void;
}): Opens {
  const conflicting = (node: FileNode, self: Open | undefined, access: number, deny: number): Open | undefined => {
    for (const other of stateOf(node)?.opens ?? []) {
      if (other !== self && ((other.access & deny) !== 0 || (other.deny & access) !== 0)) return other;
    }
    return undefined;
  };

  const conflicts: Opens['conflicts'] = (node, self, access, deny) => {
    for (;;) {
      const other = conflicting(node, self, access, deny);
      if (other === undefined) return false;
      if (!isExpired(other.client)) return true;
      expire(other.client);
    }
  };

  const releaseFiles = (open: Open): void => {
    for (const file of open.files.splice(0)) files.release(open.node, file);
  };

  const drop: Opens['drop'] = (open) => {
    for (const lock of [...(open.locks ?? [])]) dropLock(lock);
    open.client.opens.delete(open);
    table.remove(open);
    const state = stateFor(open.node);
    state.opens.delete(open);
    releaseFiles(open);
    if (state.opens.size > 0) return;
    open.node.state = undefined;
    if (open.node.links.length === 0 && !open.node.mayBeElsewhere) open.node.volume.forget(open.node);
  };

  return {
    conflicts,
    drop,
    open({ client, owner, node, access, deny, uid, files: taken }) {
      const refuse = (status: number): never => {
        for (const file of taken) files.release(node, file);
        return fail(status);
      };
      if (client.destroyed) refuse(NFS4.ERR_EXPIRED);
      const known = [...(stateOf(node)?.opens ?? [])].find((open) => open.client === client && open.owner === owner);
      if (conflicts(node, known, access, deny)) refuse(NFS4.ERR_SHARE_DENIED);
      if (known !== undefined) {
        known.access |= access;
        known.deny |= deny;
        known.history |= pairBit(access, deny);
        known.files.push(...taken);
        return { open: known, stateid: advance(known) };
      }
      if (client.opens.size >= maxPerClient) refuse(NFS4.ERR_NOSPC);
      const open: Open = {
        kind: 'open',
        key: table.newKey(),
        seqid: 0,
        client,
        owner,
        node,
        uid,
        access,
        deny,
        history: pairBit(access, deny),
        files: [...taken],
        locks: undefined,
      };
      table.add(open);
      client.opens.add(open);
      stateFor(node).opens.add(open);
      return { open, stateid: advance(open) };
    },

    downgrade(open, access, deny) {
      // RFC 8881 18.18.3: what is left must be a union of what was opened.
      let reachedAccess = 0;
      let reachedDeny = 0;
      let left = 0;
      for (let itsAccess = 1; itsAccess <= 3; itsAccess++) {
        for (let itsDeny = 0; itsDeny <= 3; itsDeny++) {
          const one = open.history & pairBit(itsAccess, itsDeny);
          if (one === 0 || (itsAccess & ~access) !== 0 || (itsDeny & ~deny) !== 0) continue;
          reachedAccess |= itsAccess;
          reachedDeny |= itsDeny;
          left |= one;
        }
      }
      if (reachedAccess !== access || reachedDeny !== deny) fail(NFS4.ERR_INVAL);
      open.history = left;
      open.access = access;
      open.deny = deny;
      return advance(open);
    },

    close(open) {
      if ([...(open.locks ?? [])].some((lock) => lock.ranges.length > 0)) fail(NFS4.ERR_LOCKS_HELD);
      const stateid = advance(open);
      drop(open);
      return stateid;
    },
  };
}

const pairBit = (access: number, deny: number): number => 1 << (access | (deny << 2));
