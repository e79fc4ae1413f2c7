import { closeSync, constants, openSync, statfsSync } from 'node:fs';
import type { Usage } from '../../volumes/model.ts';
import type { ObjectRow } from '../ledger.ts';
import { estimateInodes, type InodeCounter } from './btrfs-inodes.ts';

/** What the file system inside says; of a raw device, or one that is not mounted, only the size is known. */
export function imageUsage(row: ObjectRow, mountedAt: string | undefined, inodes: InodeCounter): Usage {
  if (row.content === 'block' || mountedAt === undefined) {
    return { bytes: { total: row.sizeBytes, used: 0n, available: 0n } };
  }
  const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(mountedAt, { bigint: true });
  const bytes = { total: blocks * bsize, used: (blocks - bfree) * bsize, available: bavail * bsize };
  if (row.content !== 'btrfs') return { bytes, inodes: { total: files, used: files - ffree, available: ffree } };
  const used = withDirectory(mountedAt, (fd) => inodes.count(row.uuid, fd));
  return { bytes, inodes: estimateInodes(used, bytes.available) };
}

/** Opens a directory for the length of one synchronous call. */
export function withDirectory<T>(path: string, use: (fd: number) => T): T {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}
