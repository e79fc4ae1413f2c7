import { countInodes, subvolumeInfo } from '../../host/btrfs.ts';
import type { Usage } from '../../volumes/model.ts';

const COUNTED_AT_ONCE = 20_000;

export interface InodeCounter {
  /** Inodes in the subvolume that `fd` is in; `key` is what the answer is remembered under. */
  count(key: string, fd: number): bigint;
  forget(key: string): void;
}

/** btrfs keeps no count of inodes: they are counted anew only when the subvolume has changed. */
export function createInodeCounter(): InodeCounter {
  const known = new Map<string, { generation: bigint; count: bigint }>();
  return {
    count(key, fd) {
      const { generation } = subvolumeInfo(fd);
      const before = known.get(key);
      if (before?.generation === generation) return before.count;
      const count = countAll(fd);
      known.set(key, { generation, count });
      return count;
    },
    forget: (key) => void known.delete(key),
  };
}

function countAll(fd: number): bigint {
  let count = 0;
  for (let from: bigint | undefined = 0n; from !== undefined; ) {
    const part: ReturnType<typeof countInodes> = countInodes(fd, from, COUNTED_AT_ONCE);
    count += part.count;
    from = part.next;
  }
  return BigInt(count);
}

/** A bit more than the metadata of an empty file; only a rough idea of how many more files fit. */
const BYTES_PER_INODE = 512n;

/** btrfs makes inodes as long as there is room. */
export function estimateInodes(used: bigint, availableBytes: bigint): NonNullable<Usage['inodes']> {
  const available = availableBytes / BYTES_PER_INODE;
  return { total: used + available, used, available };
}
