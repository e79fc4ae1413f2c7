import { constants } from 'node:fs';
import { fail, NFS4 } from '../protocol/status.ts';
import { FileType } from '../protocol/types.ts';
import * as calls from './calls.ts';
import type { FileNode, OpenFd } from './node.ts';

// O_NONBLOCK: what has taken a file's name meanwhile may be a FIFO, which an open would wait at.
const COMMON = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Descriptors of regular files, each opened at most once for reading and once for writing, for as long as they are in
 * use: one that is kept longer would hold the space of a file that was removed.
 */
export interface OpenFiles {
  /** Descriptor for reading or writing; give it back with `release`. */
  acquire(node: FileNode, how: 'read' | 'write'): Promise<OpenFd>;
  /** Takes over the descriptor, open for both, of a file that was just created. */
  adopt(node: FileNode, fd: number): Promise<OpenFd>;
  release(node: FileNode, file: OpenFd): void;
}

export function createOpenFiles(openNode: (node: FileNode, flags: number) => Promise<number>): OpenFiles {
  const open = async (node: FileNode, how: 'read' | 'write'): Promise<OpenFd> => {
    if (how === 'read') {
      return { fd: await openNode(node, constants.O_RDONLY | COMMON), readable: true, writable: false, users: 0 };
    }
    try {
      return { fd: await openNode(node, constants.O_RDWR | COMMON), readable: true, writable: true, users: 0 };
    } catch (error) {
      // A server that is not root may have a file that it may write and not read.
      if ((error as { code?: string }).code !== 'EACCES') throw error;
      return { fd: await openNode(node, constants.O_WRONLY | COMMON), readable: false, writable: true, users: 0 };
    }
  };

  const shared = (node: FileNode, how: 'read' | 'write'): Promise<OpenFd> => {
    const key = how === 'read' ? 'reader' : 'writer';
    const opening = open(node, how);
    node[key] = opening;
    opening.catch(() => {
      if (node[key] === opening) node[key] = undefined;
    });
    return opening;
  };

  return {
    async acquire(node, how) {
      if (node.type !== FileType.REG) fail(node.type === FileType.DIR ? NFS4.ERR_ISDIR : NFS4.ERR_INVAL);
      for (;;) {
        const key = how === 'write' || node.writer !== undefined ? 'writer' : 'reader';
        const pending = node[key] ?? shared(node, how);
        const file = await pending;
        // It may have been closed while this waited.
        if (node[key] !== pending) continue;
        if (how === 'read' && !file.readable) fail(NFS4.ERR_ACCESS);
        file.users += 1;
        return file;
      }
    },
    async adopt(node, fd) {
      if (node.writer !== undefined) {
        calls.close(fd);
        return this.acquire(node, 'write');
      }
      const file: OpenFd = { fd, readable: true, writable: true, users: 1 };
      node.writer = Promise.resolve(file);
      return file;
    },
    release(node, file) {
      file.users -= 1;
      if (file.users > 0) return;
      if (file.writable) node.writer = undefined;
      else node.reader = undefined;
      calls.close(file.fd);
    },
  };
}
