import { fail, NFS4 } from '../protocol/status.ts';
import { FileType } from '../protocol/types.ts';
import type { Credentials } from '../rpc/message.ts';
import type { FileStat } from './file-stat.ts';

/** Bits of a mode's triple. */
export const May = { READ: 4, WRITE: 2, SEARCH: 1 } as const;

/** How the names of users that clients send are taken. */
export interface Identities {
  /**
   * `caller`: files belong to who makes them, which needs root. `server`: all work is done as the one user that the
   * server is; its own permissions are the only ones.
   */
  identity: 'caller' | 'server';
  /** Who is made nobody: root, everyone, or no one. */
  squash: 'none' | 'root' | 'all';
}

const NOBODY = 65534;
const nobody: Credentials = { uid: NOBODY, gid: NOBODY, groups: [] };

export function squashed(credentials: Credentials, { squash }: Identities): Credentials {
  if (squash === 'all' || (squash === 'root' && credentials.uid === 0)) return nobody;
  if (squash === 'none' || !(credentials.gid === 0 || credentials.groups.includes(0))) return credentials;
  const notRoot = (gid: number): number => (gid === 0 ? NOBODY : gid);
  return { ...credentials, gid: notRoot(credentials.gid), groups: credentials.groups.map(notRoot) };
}

export const isMember = ({ gid, groups }: Credentials, of: number): boolean => gid === of || groups.includes(of);

/** Who asks, and what holds for them. */
export interface Caller extends Credentials {
  /** Permission bits do not stop root, nor a caller where the server has one identity. */
  isPrivileged: boolean;
}

/** Of the wanted bits those that the file's mode gives the caller, path_resolution(7). */
export function granted(stat: FileStat, caller: Caller, wanted: number): number {
  if (caller.isPrivileged) {
    const executable = stat.type === FileType.DIR || (stat.mode & 0o111) !== 0;
    return executable ? wanted : wanted & ~May.SEARCH;
  }
  if (stat.uid === caller.uid) return wanted & (stat.mode >> 6);
  return wanted & (isMember(caller, stat.gid) ? stat.mode >> 3 : stat.mode);
}

export function demand(stat: FileStat, caller: Caller, wanted: number): void {
  if (granted(stat, caller, wanted) !== wanted) fail(NFS4.ERR_ACCESS);
}

export const owns = (stat: FileStat, caller: Caller): boolean => caller.isPrivileged || stat.uid === caller.uid;

const STICKY = 0o1000;

/** Whether the caller may take the entry `target` out of the directory, unlink(2). */
export function demandRemoval(directory: FileStat, target: FileStat, caller: Caller): void {
  demand(directory, caller, May.WRITE | May.SEARCH);
  if ((directory.mode & STICKY) === 0 || owns(target, caller) || owns(directory, caller)) return;
  fail(NFS4.ERR_ACCESS);
}
