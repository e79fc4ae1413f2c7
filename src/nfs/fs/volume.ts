import type { FileStat } from './file-stat.ts';
import { volumeKeyOf } from './handles.ts';
import { createNode, type FileNode, isDirectory, isSame } from './node.ts';

/**
 * A directory that is exported, with what is known of the files in it. The index is a memory of names, made anew by a
 * walk when the server does not know a handle that a client shows.
 */
export interface Volume {
  readonly id: Buffer;
  readonly key: string;
  readonly name: string;
  readonly rootFd: number;
  readonly root: FileNode;
  /** Files of other file systems, mounted inside, are out of reach. */
  readonly device: bigint;
  /** The attributes of an open file are in memory, with no other machine or process to be asked for them. */
  readonly isLocal: boolean;
  removed: boolean;
  /** Somebody has found that it holds all that it may. */
  isFull: boolean;
  /** Somebody uses it on this machine in a way that clients would not see: none may come. */
  isUsedLocally: boolean;
  /** Clients that have come, and are not gone for all we know. */
  readonly users: Set<{ readonly destroyed: boolean }>;
  find(ino: bigint, birthNs: bigint): FileNode | undefined;
  /** The node of what was seen at `name` in `parent`. */
  admit(stat: FileStat, parent: FileNode, name: string): FileNode;
  /** `name` of `parent` is not, or no longer, the node's. */
  unlink(node: FileNode, parent: FileNode, name: string): void;
  /** Takes the node out of the index; clients that come with its handle get ESTALE. */
  forget(node: FileNode): void;
  /** Whether forgotten nodes may still exist. */
  readonly isPartial: boolean;
  /** Told of each directory that is admitted; a walk listens. */
  onDirectory: ((node: FileNode) => void) | undefined;
  nodes(): Iterable<FileNode>;
}

export interface VolumeOptions {
  id: Buffer;
  name: string;
  rootFd: number;
  rootStat: FileStat;
  isLocal: boolean;
  maxNodes: number;
}

export function createVolume({ id, name, rootFd, rootStat, isLocal, maxNodes }: VolumeOptions): Volume {
  const nodes = new Map<bigint, FileNode>();
  let isPartial = false;

  /** Forgets the oldest file that nothing hangs on. Directories stay: the way to others leads through them. */
  const makeRoom = (): void => {
    if (nodes.size < maxNodes) return;
    for (const [ino, node] of nodes) {
      if (isDirectory(node) || node.state !== undefined || node.reader !== undefined) continue;
      nodes.delete(ino);
      isPartial = true;
      return;
    }
  };

  const volume: Volume = {
    id,
    key: volumeKeyOf(id),
    name,
    rootFd,
    root: undefined as unknown as FileNode,
    device: rootStat.device,
    isLocal,
    removed: false,
    isFull: false,
    isUsedLocally: false,
    users: new Set(),
    onDirectory: undefined,
    get isPartial() {
      return isPartial;
    },
    nodes: () => nodes.values(),
    find(ino, birthNs) {
      const node = nodes.get(ino);
      return node?.birthNs === birthNs ? node : undefined;
    },
    admit(stat, parent, linkName) {
      let node = nodes.get(stat.ino);
      if (node === undefined || !isSame(node, stat)) {
        makeRoom();
        node = createNode(volume, stat);
        nodes.set(stat.ino, node);
      }
      if (!node.links.some((link) => link.parent === parent && link.name === linkName)) {
        // A directory has one name; a file whose link count says so has one, too.
        const link = { parent, name: linkName };
        if (isDirectory(node) || stat.links === 1) node.links = [link];
        else node.links.push(link);
        if (isDirectory(node)) volume.onDirectory?.(node);
      }
      node.mayBeElsewhere = !isDirectory(node) && stat.links > node.links.length;
      return node;
    },
    unlink(node, parent, linkName) {
      node.links = node.links.filter((link) => link.parent !== parent || link.name !== linkName);
    },
    forget(node) {
      if (nodes.get(node.ino) === node) nodes.delete(node.ino);
    },
  };
  const root = createNode(volume, rootStat);
  nodes.set(root.ino, root);
  return Object.assign(volume, { root });
}
