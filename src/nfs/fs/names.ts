import type { PathLike } from 'node:fs';
import { fail, NFS4 } from '../protocol/status.ts';

export const MAX_NAME_BYTES = 255;

/**
 * Refuses what is no name of one directory entry, so that a path made with it leads nowhere else: RFC 8881 14.5 and
 * what the kernel takes.
 */
export function checkName(name: string): string {
  if (name.length === 0) fail(NFS4.ERR_INVAL);
  if (name.length > MAX_NAME_BYTES) fail(NFS4.ERR_NAMETOOLONG);
  if (name === '.' || name === '..') fail(NFS4.ERR_BADNAME);
  if (name.includes('/') || name.includes('\0')) fail(NFS4.ERR_BADCHAR);
  return name;
}

/** A path for Node's functions from one whose characters are bytes. */
export const toPath = (bytes: string): PathLike => (isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1'));

const isAscii = (text: string): boolean => !/[\x80-\xff]/.test(text);

/** What lies at `name` in the directory open as `fd`; the kernel goes through the descriptor and not through names. */
export const pathBelow = (fd: number, name: string): PathLike => toPath(`/proc/self/fd/${fd}/${name}`);
/** What is open as `fd`. */
export const pathOf = (fd: number): string => `/proc/self/fd/${fd}`;
