import { rmdirSync } from 'node:fs';
import { errorCode } from '../../../src/host/libc.ts';
import type { Calls } from './calls.ts';
import type { Inventory } from './check.ts';
import { type Book, isThere, type VolumeNote } from './notes.ts';
import type { Random } from './random.ts';

/**
 * What callers do when the daemon is back: every call without an answer is sent again, or undone as a kubelet does whose
 * pod is gone; and everything that was answered is asked for once more, which must give the same answer.
 */
export async function repeatCalls(calls: Calls, book: Book, random: Random): Promise<void> {
  const finishVolume = async (note: VolumeNote): Promise<void> => {
    if (note.existence === 'leaving' || note.existence === 'gone') {
      if (note.id !== undefined) await calls.deleteVolume(note);
      return;
    }
    await calls.createVolume(note);
    if (note.existence !== 'there') return;
    if (note.askedBytes !== undefined) await calls.expandVolume(note, note.askedBytes);
    await finishMounts(calls, note, random);
  };
  const finish = async (
    note: { existence: string; id: string | undefined },
    again: () => Promise<void>,
    remove: () => Promise<void>,
  ) => {
    if (note.existence === 'asked' || note.existence === 'there') await again();
    else if (note.id !== undefined) await remove();
  };
  // A snapshot that was asked for needs its volume, which its caller has not deleted since.
  await Promise.all(book.volumes.map(finishVolume));
  await Promise.all([
    ...book.snapshots.map((note) =>
      finish(
        note,
        () => calls.createSnapshot(note),
        () => calls.deleteSnapshot(note),
      ),
    ),
    ...book.groups.map((note) =>
      finish(
        note,
        () => calls.createGroup(note),
        () => calls.deleteGroup(note),
      ),
    ),
  ]);
}

async function finishMounts(calls: Calls, note: VolumeNote, random: Random): Promise<void> {
  if (note.staged === 'asked' && random.chance(0.5)) await calls.unstage(note);
  else if (note.staged === 'asked' || note.staged === 'yes') await calls.stage(note);
  if (note.published === 'asked' && random.chance(0.5)) await calls.unpublish(note);
  else if (note.published === 'asked' || note.published === 'yes') await calls.publish(note);
  if (note.published === 'leaving') await calls.unpublish(note);
  if (note.staged === 'leaving') await calls.unstage(note);
  if (note.staged === 'yes' && !note.filled) await calls.expandNode(note);
}

/** What was there after the restart and is not what anybody asked for, or is half of it. */
export function findUnexplained(book: Book, before: Inventory): string[] {
  const ids = (notes: readonly { id: string | undefined }[]): (string | undefined)[] => notes.map(({ id }) => id);
  const members = book.groups.map((note) => [...note.members.values()]);
  const volumes = new Set(ids(book.volumes));
  const snapshots = new Set([...ids(book.snapshots), ...members.flat()]);
  return [
    ...[...before.volumes.keys()].filter((id) => !volumes.has(id)).map((id) => `nobody has asked for volume ${id}`),
    ...[...before.snapshots].filter((id) => !snapshots.has(id)).map((id) => `nobody has asked for snapshot ${id}`),
    ...members
      .filter((own) => own.some((id) => before.snapshots.has(id)) && !own.every((id) => before.snapshots.has(id)))
      .map((own) => `of the group ${own} only a part was there`),
  ];
}

/** Takes everything back, as callers do that need nothing any more. */
export async function removeAll(calls: Calls, book: Book): Promise<void> {
  await Promise.all(book.groups.filter(isThere).map((note) => calls.deleteGroup(note)));
  await Promise.all(book.snapshots.filter(isThere).map((note) => calls.deleteSnapshot(note)));
  await Promise.all(
    book.volumes.filter(isThere).map(async (note) => {
      if (note.published === 'yes') await calls.unpublish(note);
      if (note.staged === 'yes') await calls.unstage(note);
      await calls.deleteVolume(note);
      removeFolder(calls.stagingPath(note));
    }),
  );
}

/** The staging path is the caller's, who makes and removes it. */
function removeFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
