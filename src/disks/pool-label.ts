import type { PoolClaim } from './model.ts';
import { decodeProperty } from './properties.ts';
import type { Content } from './snapshot.ts';

const PREFIX = 'berth:';
/** BTRFS_LABEL_SIZE in linux/btrfs.h, less the closing zero. */
const LABEL_MAX_BYTES = 255;

/** Label of the XFS that an image pool on a disk lives on; too short a field for names, which are in the ledger. */
export const IMAGE_POOL_LABEL = 'berth-pool';

/** Label of the btrfs of a pool: who owns it, for people and for classification; the owner stamp inside decides. */
export function poolLabel(nodeName: string, poolName: string): string {
  const label = Buffer.from(`${PREFIX}${nodeName}:${poolName}`);
  return label.length <= LABEL_MAX_BYTES ? label.toString() : cutAtCharacter(label).toString();
}

function cutAtCharacter(label: Buffer): Buffer {
  let end = LABEL_MAX_BYTES;
  while (end > 0 && (label[end]! & 0xc0) === 0x80) end--;
  return label.subarray(0, end);
}

/** The pool that the file system found on a device claims to be, with the name that the label gives. */
export function poolClaim(content: Content): PoolClaim | undefined {
  if (content.state !== 'found') return undefined;
  const { ID_FS_TYPE: type, ID_FS_UUID: uuid } = content.tags;
  const label = labelOf(content);
  if (uuid === undefined || label === undefined) return undefined;
  if (type === 'xfs' && label === IMAGE_POOL_LABEL) return { uuid };
  if (type !== 'btrfs' || !label.startsWith(PREFIX)) return undefined;
  const [node, ...name] = label.slice(PREFIX.length).split(':');
  return { uuid, node: node!, name: name.join(':') };
}

/** Whether the label was written by this node; it may have been cut within the node's name. */
export const isOwnClaim = ({ node, name }: { node: string; name: string }, nodeName: string): boolean =>
  poolLabel(node, name) === poolLabel(nodeName, name);

export function labelOf(content: Content): string | undefined {
  if (content.state !== 'found') return undefined;
  const encoded = content.tags['ID_FS_LABEL_ENC'];
  return encoded === undefined ? undefined : decodeProperty(encoded);
}
