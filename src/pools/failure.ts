import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { BerthError } from '../errors.ts';
import { errorCode } from '../host/libc.ts';

/** What the kernel answers for a disk that fails. */
const FAILURES: readonly (string | undefined)[] = ['EIO', 'EUCLEAN', 'ENODEV', 'ENXIO', 'ESHUTDOWN'];
/** SQLITE_IOERR, in the low byte of its extended codes (sqlite.org/rescode.html). */
const SQLITE_IOERR = 10;

const isFailure = (error: unknown): boolean =>
  FAILURES.includes(errorCode(error)) || ((error as { errcode?: number } | null)?.errcode ?? 0) % 256 === SQLITE_IOERR;

/**
 * Throws unless the file system at `path` takes writes. One that met errors when it had to write goes read-only (btrfs,
 * ext4) or refuses everything (xfs), and stays so until it is mounted anew.
 */
export function requireAlive(path: string): void {
  accessSync(path, constants.W_OK);
  closeSync(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
}

export function isAlive(path: string): boolean {
  try {
    requireAlive(path);
    return true;
  } catch (error) {
    return !isFailure(error) && errorCode(error) !== 'EROFS';
  }
}

export const diskFailed = (pool: string, cause: unknown): BerthError =>
  new BerthError('POOL_DISK_FAILED', { pool, problem: (cause as Error).message }, { cause });

/** Names a failing disk as what it is. */
export const explainFailure = (pool: string, error: unknown): unknown =>
  error instanceof BerthError || !isFailure(error) ? error : diskFailed(pool, error);
