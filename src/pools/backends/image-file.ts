import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, ftruncateSync, statfsSync, writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BerthError } from '../../errors.ts';
import { setNoCow } from '../../host/btrfs.ts';
import { allocate, getAttribute, openBeneath, reflink, setAttribute } from '../../host/files.ts';
import { errorCode } from '../../host/libc.ts';
import type { Place } from '../backend.ts';

const BTRFS_MAGIC = 0x9123683e;
const FREE_STEP_BYTES = 1n << 30n;
const NEVER_GIVEN = 'a file without a token';
// include/uapi/asm-generic/fcntl.h
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** What the file system of an image pool can do, found out by doing it. */
export interface ImageSupport {
  reflink: boolean;
  /** Image files are written in place: on btrfs, where copy-on-write would let a full-size file need more than its size. */
  noCow: boolean;
  /** Extended attributes of the image file, which nothing inside the volume can reach. */
  tokenAttribute: string;
  copiedAttribute: string;
}

/** Tries all that images need on files without a name, so that nothing is left behind. */
export function probeImageSupport(poolDirFd: number, poolDirPath: string): ImageSupport {
  const noCow = statfsSync(poolDirPath).type === BTRFS_MAGIC;
  const fds: number[] = [];
  const openNameless = (): number => {
    const fd = openBeneath(poolDirFd, '.', constants.O_RDWR | O_TMPFILE);
    fds.push(fd);
    if (noCow) setNoCow(fd);
    return fd;
  };
  try {
    const source = openNameless();
    allocate(source, 0n, 4096n);
    writeSync(source, 'berth');
    const namespace = canSet(source, 'trusted.berth.token') ? 'trusted' : 'user';
    setAttribute(source, `${namespace}.berth.token`, 'probe');
    return {
      reflink: canReflink(source, openNameless()),
      noCow,
      tokenAttribute: `${namespace}.berth.token`,
      copiedAttribute: `${namespace}.berth.copied`,
    };
  } catch (error) {
    const problem = `its file system cannot hold images: ${(error as Error).message}`;
    throw new BerthError('POOL_UNSUITABLE', { pool: poolDirPath, problem }, { cause: error });
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

const UNSUPPORTED = new Set(['EOPNOTSUPP', 'ENOTTY', 'EINVAL', 'EXDEV', 'ENOSYS', 'EPERM']);

function supported(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (UNSUPPORTED.has(errorCode(error) ?? '')) return false;
    throw error;
  }
}

const canSet = (fd: number, name: string): boolean => supported(() => setAttribute(fd, name, 'probe'));
const canReflink = (source: number, target: number): boolean => supported(() => reflink(source, target));

/** Opens the image at a place for the length of one synchronous call. */
export function withImage<T>(place: Place, flags: number, use: (fd: number) => T): T {
  const fd = openBeneath(place.dirFd, place.name, flags);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** The token of the open image; one that has none yet gets it, and with it what must be set while a file is empty. */
export function stampImage(fd: number, support: ImageSupport): string {
  const present = getAttribute(fd, support.tokenAttribute);
  if (present !== undefined) return present;
  if (support.noCow) setNoCow(fd);
  const token = randomUUID();
  setAttribute(fd, support.tokenAttribute, token);
  return token;
}

/** The token of what is at the place, undefined when nothing is. */
export function readToken(place: Place, support: ImageSupport): string | undefined {
  try {
    return withImage(place, constants.O_RDONLY, (fd) => getAttribute(fd, support.tokenAttribute) ?? NEVER_GIVEN);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Gives the file its size; a thick one has all of it reserved, and ENOSPC says that it does not fit. */
export function setImageSize(fd: number, sizeBytes: bigint, thin: boolean): void {
  if (thin) ftruncateSync(fd, Number(sizeBytes));
  else allocate(fd, 0n, sizeBytes);
}

/** Makes the file larger, and leaves it as it was when that does not fit. One that is large enough already is fine. */
export function growImage(fd: number, sizeBytes: bigint, thin: boolean): void {
  const before = fstatSync(fd, { bigint: true }).size;
  if (sizeBytes <= before) return;
  try {
    if (thin) ftruncateSync(fd, Number(sizeBytes));
    else allocate(fd, before, sizeBytes - before);
  } catch (error) {
    ftruncateSync(fd, Number(before));
    throw error;
  }
}

/** Gives all blocks back, from the end on, a step a turn; the size that is left tells a later call where to go on. */
export async function emptyInSteps(place: Place, progress: (leftBytes: bigint) => void): Promise<void> {
  for (let left: bigint | undefined; left !== 0n; await nextTurn()) {
    try {
      left = withImage(place, constants.O_RDWR, cutStep);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      throw error;
    }
    progress(left);
  }
}

function cutStep(fd: number): bigint {
  const { size } = fstatSync(fd, { bigint: true });
  const left = size > FREE_STEP_BYTES ? size - FREE_STEP_BYTES : 0n;
  ftruncateSync(fd, Number(left));
  return left;
}

/** What the file takes on its file system; blocks that it shares count in full. */
export const allocatedBytes = (fd: number): bigint => fstatSync(fd, { bigint: true }).blocks * 512n;
