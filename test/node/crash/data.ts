import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../src/host/run.ts';
import type { Cut, VolumeNote } from './notes.ts';

/** Of each file, and of each piece of a raw block device. */
const PIECE_BYTES = 64 << 10;
const TOOL_LIMIT_MS = 30_000;

const checksum = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** Writes a piece of text that is like no other, waits until it is synced, and notes it. `path` is a mount or a device. */
export async function writePiece(note: VolumeNote, path: string, slot: number, text: string): Promise<void> {
  const content = Buffer.alloc(PIECE_BYTES, text);
  const piece = note.content === 'block' ? String(slot * PIECE_BYTES) : `file-${slot}`;
  note.data.delete(piece);
  const file = await (note.content === 'block' ? open(path, 'r+') : open(join(path, piece), 'w'));
  try {
    await file.write(content, 0, PIECE_BYTES, note.content === 'block' ? Number(piece) : 0);
    await file.sync();
  } finally {
    await file.close();
  }
  note.data.set(piece, checksum(content));
}

/** Reads pieces back from where a volume or snapshot lies in its pool, or from its mount; tells which are not as noted. */
export async function findWrongPieces(
  { content, data }: Pick<Cut, 'content' | 'data'>,
  where: { entry: string; mountedAt: string | undefined },
): Promise<string[]> {
  if (data.size === 0) return [];
  const unpacked = mkdtempSync(join(tmpdir(), 'berth-data-'));
  try {
    const isUnmountedImage = content !== 'subvolume' && content !== 'block' && where.mountedAt === undefined;
    const complaint = isUnmountedImage ? await unpack(content, where.entry, unpacked) : '';
    const folder = isUnmountedImage ? unpacked : (where.mountedAt ?? where.entry);
    return [...data].flatMap(([piece, expected]) => {
      const path = join(folder, piece);
      if (content !== 'block' && !existsSync(path)) return [`${piece} is not there; ${complaint}`];
      const found = checksum(content === 'block' ? readAt(where.entry, Number(piece)) : readFileSync(path));
      return found === expected ? [] : [`${piece} has been changed; ${complaint}`];
    });
  } finally {
    rmSync(unpacked, { recursive: true });
  }
}

/** The tools read the file system in an image without mounting it. Returns what they complain of. */
async function unpack(content: 'ext4' | 'btrfs', image: string, target: string): Promise<string> {
  const [file, args] =
    content === 'ext4'
      ? (['debugfs', ['-R', `rdump / ${target}`, image]] as const)
      : (['btrfs', ['restore', image, target]] as const);
  const { stderr } = await run(file, args, { timeoutMs: TOOL_LIMIT_MS, okCodes: [0, 1] });
  return stderr;
}

function readAt(path: string, offset: number): Buffer {
  const content = Buffer.alloc(PIECE_BYTES);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, content, 0, PIECE_BYTES, offset);
    return content;
  } finally {
    closeSync(fd);
  }
}
