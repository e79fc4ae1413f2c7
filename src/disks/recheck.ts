import { BerthError } from '../errors.ts';
import { errorCode } from '../host/libc.ts';
import { collectDisks } from './collect.ts';
import { digestOf } from './digest.ts';
import type { Disk } from './model.ts';
import type { DiskSources, ExclusiveHandle } from './sources.ts';

/** A disk that is held open exclusively, so that nobody else can begin to use it. */
export interface HeldDisk {
  path: string;
  fd: number;
  /** To be called right before mkfs is spawned, which opens the device with O_EXCL itself and fails when it is late. */
  close(): Promise<void>;
}

/**
 * Opens the disk exclusively first and looks at it anew while it is held, so that what is compared cannot change before
 * the caller acts. Throws DISK_IN_USE when the disk was not free or is busy now, DISK_CHANGED when any fact or the
 * digest that was consented to differs, DISK_NOT_FOUND when it is gone.
 */
export async function recheckDisk(sources: DiskSources, disk: Disk, digest: string): Promise<HeldDisk> {
  const { id, path, snapshot } = disk;
  if (disk.verdict !== 'free') {
    const against = disk.reasons
      .filter(({ effect }) => effect !== 'note')
      .map(({ code, message }) => `${code} ${message}`);
    throw new BerthError('DISK_IN_USE', { id, reasons: against.join('; ') || disk.verdict });
  }
  const handle = await hold(sources, disk);
  try {
    if (handle.number !== snapshot.number) throw new BerthError('DISK_CHANGED', { id });
    const now = await collectDisks(heldBy(sources, path, handle), { only: snapshot.name, loops: new Set([path]) });
    if (now[0] === undefined) throw new BerthError('DISK_NOT_FOUND', { id });
    if (digestOf(now[0]) !== digest) throw new BerthError('DISK_CHANGED', { id });
    return { path, fd: handle.fd, close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function hold(sources: DiskSources, { id, path }: Disk): Promise<ExclusiveHandle> {
  try {
    return await sources.openExclusive(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EBUSY') throw new BerthError('DISK_IN_USE', { id, reasons: 'it was opened exclusively since' });
    if (code === 'ENOENT' || code === 'ENXIO' || code === 'ENODEV') throw new BerthError('DISK_NOT_FOUND', { id });
    throw error;
  }
}

/** The device answers EBUSY to a second exclusive open, ours included; that we have it is the answer. */
const heldBy = (sources: DiskSources, heldPath: string, handle: ExclusiveHandle): DiskSources => ({
  ...sources,
  openExclusive: async (path) =>
    path === heldPath ? { ...handle, close: async () => {} } : sources.openExclusive(path),
});
