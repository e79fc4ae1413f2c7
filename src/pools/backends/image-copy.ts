import { closeSync, constants, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, openSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { copyRange, getAttribute, nextData, openBeneath, reflink, setAttribute } from '../../host/files.ts';
import { loopsOf } from '../../host/loop.ts';
import type { BackendDriver, CopySource, Made, Place, Progress } from '../backend.ts';
import { allocatedBytes, type ImageSupport, setImageSize, stampImage } from './image-file.ts';
import { runTool } from './tool.ts';

/** Copied, made durable and noted before the pool's thread turns to its other work. */
const CHUNK_BYTES = 8n << 20n;
/** A file in many small pieces is not to hold the thread longer than a chunk does. */
const PIECES_PER_CHUNK = 512;
const TUNE_TIMEOUT_MS = 60_000;

type CopySpec = Parameters<BackendDriver['copy']>[2];

/**
 * Copies an image: all its blocks at once by a reflink, else in chunks that skip what was never written. A copy that
 * was cut short goes on from the position noted on the target, when its source is a snapshot and cannot have changed.
 */
export async function copyImage(
  support: ImageSupport,
  source: CopySource,
  place: Place,
  spec: CopySpec,
  progress: Progress,
): Promise<Made> {
  const from = openBeneath(source.place.dirFd, source.place.name, constants.O_RDONLY);
  try {
    const to = openBeneath(place.dirFd, place.name, constants.O_RDWR | constants.O_CREAT);
    try {
      const identity = stampImage(to, support);
      flushAttached(from, source.place.name);
      if (support.reflink) cloneBlocks(from, to, spec);
      else await copyBlocks({ from, to, support, resumable: source.row.kind === 'snapshot', spec, progress });
      if (!spec.readOnly && spec.content === 'btrfs') await renameBtrfs(place, spec);
      return { identity, heldBytes: allocatedBytes(to) };
    } finally {
      closeSync(to);
    }
  } finally {
    closeSync(from);
  }
}

/** What was written to an attached device and is still in its page cache comes to the file. */
function flushAttached(fd: number, name: string): void {
  for (const { path } of loopsOf(fd, name)) {
    const device = openSync(path, constants.O_RDONLY);
    try {
      fsyncSync(device);
    } finally {
      closeSync(device);
    }
  }
}

const targetBytes = (from: number, spec: CopySpec): bigint =>
  spec.readOnly ? fstatSync(from, { bigint: true }).size : spec.sizeBytes;

const isThin = (spec: CopySpec): boolean => spec.readOnly || spec.parameters.thin;

function cloneBlocks(from: number, to: number, spec: CopySpec): void {
  reflink(from, to);
  setImageSize(to, targetBytes(from, spec), isThin(spec));
}

interface BlockCopy {
  from: number;
  to: number;
  support: ImageSupport;
  resumable: boolean;
  spec: CopySpec;
  progress: Progress;
}

async function copyBlocks({ from, to, support, resumable, spec, progress }: BlockCopy): Promise<void> {
  const totalBytes = fstatSync(from, { bigint: true }).size;
  const noted = resumable ? getAttribute(to, support.copiedAttribute) : undefined;
  if (noted === undefined) ftruncateSync(to, 0);
  setImageSize(to, targetBytes(from, spec), isThin(spec));
  let position: bigint | undefined = BigInt(noted ?? 0);
  while (position !== undefined) {
    progress(position, totalBytes);
    await nextTurn();
    spec.signal?.throwIfAborted();
    position = copyChunk(from, to, position);
    fdatasyncSync(to);
    setAttribute(to, support.copiedAttribute, String(position ?? totalBytes));
  }
  progress(totalBytes, totalBytes);
}

/** Copies about CHUNK_BYTES of what is written from `position` on; returns where to go on, undefined at the end. */
function copyChunk(from: number, to: number, position: bigint): bigint | undefined {
  let next = position;
  let leftBytes = CHUNK_BYTES;
  for (let pieces = 0; pieces < PIECES_PER_CHUNK && leftBytes > 0n; pieces++) {
    const data = nextData(from, next);
    if (data === undefined) return undefined;
    const length = data.endBytes - data.startBytes;
    const copied = copyRange(from, to, data.startBytes, length < leftBytes ? length : leftBytes);
    if (copied === 0n) throw new Error(`the source ends at ${data.startBytes} while it is copied`);
    next = data.startBytes + copied;
    leftBytes -= copied;
  }
  return next;
}

/**
 * The kernel tells btrfs file systems apart by their UUID, and before Linux 6.7 refuses to mount a copy beside its
 * source. xfs needs a mount option only, ext4 nothing.
 */
const renameBtrfs = (place: Place, spec: CopySpec): Promise<void> =>
  runTool({
    file: 'btrfstune',
    args: ['-m', `${place.dirPath}/${place.name}`],
    purpose: 'giving a copied btrfs volume its own UUID',
    timeoutMs: TUNE_TIMEOUT_MS,
    signal: spec.signal,
  });
