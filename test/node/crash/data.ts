import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../src/host/run.ts';
import type { Cut, Data, VolumeNote } from './notes.ts';

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
  { content, data }: Pick<Cut, 'content'> & { data: Data },
  where: { entry: string; mountedAt: string | undefined },
): Promise<string[]> {
  const wrong: string[] = [];
  for (const [piece, expected] of data) {
    const found = await readPiece(content, piece, where).then(checksum, String);
    if (found !== expected) wrong.push(`${piece}: ${found}`);
  }
  return wrong;
}

async function readPiece(
  content: Cut['content'],
  piece: string,
  { entry, mountedAt }: { entry: string; mountedAt: string | undefined },
): Promise<Buffer> {
  if (content === 'block') return readAt(entry, Number(piece));
  if (content === 'btrfs') return readFileSync(join(entry, piece));
  if (mountedAt !== undefined) return readFileSync(join(mountedAt, piece));
  // debugfs(8) reads the file system in the image without mounting it.
  const { stdout, stderr } = await run('debugfs', ['-R', `cat /${piece}`, entry], { timeoutMs: TOOL_LIMIT_MS });
  return Buffer.from(stdout === '' ? stderr : stdout);
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
