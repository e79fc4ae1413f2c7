import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { BerthError } from '../errors.ts';
import { errorCode } from '../host/libc.ts';

/** What the kernel answers for a disk that fails, and for a file system that gave up over it. */
const FAILURES: readonly (string | undefined)[] = ['EIO', 'EROFS', 'EUCLEAN', 'ENODEV', 'ENXIO', 'ESHUTDOWN'];
/** SQLITE_IOERR, in the low byte of its extended codes (sqlite.org/rescode.html). */
const SQLITE_IOERR = 10;

const isFailure = (error: unknown): boolean =>
  FAILURES.includes(errorCode(error)) ||
  (((error as { errcode?: number } | null)?.errcode ?? 0) & 0xff) === SQLITE_IOERR;

/**
 * Whether the file system at `path` still takes writes. One that met errors when it had to write goes read-only
 * (btrfs, ext4) or refuses everything (xfs), and stays so until it is mounted anew.
 */
export function isAlive(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    closeSync(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
    return true;
  } catch (error) {
    return !isFailure(error);
  }
}

/** Names a failing disk as what it is. EROFS alone is not one: a target path may be read-only as well. */
export function explainFailure(pool: string, path: string | undefined, error: unknown): unknown {
  if (error instanceof BerthError || !isFailure(error)) return error;
  if (errorCode(error) === 'EROFS' && path !== undefined && isAlive(path)) return error;
  return new BerthError('POOL_DISK_FAILED', { pool, problem: (error as Error).message }, { cause: error });
}
