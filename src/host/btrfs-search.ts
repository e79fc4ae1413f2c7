import { ioctl, iowr } from './ioctl.ts';
import { errorCode } from './libc.ts';

// include/uapi/linux/btrfs.h
const TREE_SEARCH_V2 = iowr(0x94, 17, 112);

export type Key = [objectid: bigint, type: number, offset: bigint];
export interface TreeItem {
  objectid: bigint;
  type: number;
  offset: bigint;
  data: Buffer;
}

/** The smallest key above `key`. */
function after(key: { objectid: bigint; type: number; offset: bigint }): Key {
  if (key.offset < 2n ** 64n - 1n) return [key.objectid, key.type, key.offset + 1n];
  return key.type < 255 ? [key.objectid, key.type + 1, 0n] : [key.objectid + 1n, 0, 0n];
}

/** BTRFS_IOC_TREE_SEARCH_V2 over a key range; needs CAP_SYS_ADMIN. The data of an item is valid until the next one. */
export function* searchTree(fd: number, tree: bigint, min: Key, max: Key): Generator<TreeItem> {
  const HEADER = 112;
  const args = Buffer.alloc(HEADER + 16384);
  let from = min;
  for (;;) {
    args.writeBigUInt64LE(tree, 0);
    args.writeBigUInt64LE(from[0], 8);
    args.writeBigUInt64LE(max[0], 16);
    args.writeBigUInt64LE(from[2], 24);
    args.writeBigUInt64LE(max[2], 32);
    args.writeBigUInt64LE(0n, 40);
    args.writeBigUInt64LE(2n ** 64n - 1n, 48);
    args.writeUInt32LE(from[1], 56);
    args.writeUInt32LE(max[1], 60);
    args.writeUInt32LE(4096, 64);
    args.writeBigUInt64LE(BigInt(args.length - HEADER), 104);
    try {
      ioctl(fd, TREE_SEARCH_V2, args, `search tree ${tree}`);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return; // no such tree: quotas are off
      throw error;
    }
    const found = args.readUInt32LE(64);
    if (found === 0) return;
    let position = HEADER;
    for (let index = 0; index < found; index++) {
      const item = {
        objectid: args.readBigUInt64LE(position + 8),
        offset: args.readBigUInt64LE(position + 16),
        type: args.readUInt32LE(position + 24),
      };
      const length = args.readUInt32LE(position + 28);
      const data = args.subarray(position + 32, position + 32 + length);
      position += 32 + length;
      from = after(item);
      // The kernel compares whole keys, so items of other types lie inside the range.
      if (item.type >= min[1] && item.type <= max[1]) yield { ...item, data };
    }
  }
}
