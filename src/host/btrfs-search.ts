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

const HEADER_BYTES = 112;
const RESULT_BYTES = 16_384;

/** Searches hardly ever run inside one another, so the next one takes the buffer of the last. */
let spare: Buffer | undefined;

/** BTRFS_IOC_TREE_SEARCH_V2 over a key range; needs CAP_SYS_ADMIN. The data of an item is valid until the next one. */
export function* searchTree(fd: number, tree: bigint, min: Key, max: Key): Generator<TreeItem> {
  const args = spare ?? Buffer.alloc(HEADER_BYTES + RESULT_BYTES);
  spare = undefined;
  try {
    for (let from: Key | undefined = min; from !== undefined; ) {
      writeRange(args, tree, from, max);
      ioctl(fd, TREE_SEARCH_V2, args, `search tree ${tree}`);
      from = undefined;
      for (const item of readItems(args)) {
        from = after(item);
        // The kernel compares whole keys, so items of other types lie inside the range.
        if (item.type >= min[1] && item.type <= max[1]) yield item;
      }
    }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error; // no such tree: quotas are off
  } finally {
    spare = args;
  }
}

function writeRange(args: Buffer, tree: bigint, from: Key, max: Key): void {
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
  args.writeBigUInt64LE(BigInt(RESULT_BYTES), 104);
}

function* readItems(args: Buffer): Generator<TreeItem> {
  const found = args.readUInt32LE(64);
  for (let index = 0, position = HEADER_BYTES; index < found; index++) {
    const dataStart = position + 32;
    position = dataStart + args.readUInt32LE(dataStart - 4);
    yield {
      objectid: args.readBigUInt64LE(dataStart - 24),
      offset: args.readBigUInt64LE(dataStart - 16),
      type: args.readUInt32LE(dataStart - 8),
      data: args.subarray(dataStart, position),
    };
  }
}
