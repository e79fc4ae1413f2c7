import type { Change } from '../protocol/types.ts';
import { FileType } from '../protocol/types.ts';
import type { FileStat } from './file-stat.ts';
import type { Volume } from './volume.ts';

/** One name of a file: an entry of a directory, or none for a volume's root. */
export interface Link {
  parent: FileNode;
  name: string;
}

/** A descriptor of an open file, shared by all who need no other. */
export interface OpenFd {
  readonly fd: number;
  readonly readable: boolean;
  readonly writable: boolean;
  users: number;
}

/**
 * A file that some client may have a handle of. Its names are hints: others may rename behind our back, so whatever is
 * found at one is held against `ino` and `birthNs`.
 */
export interface FileNode {
  readonly volume: Volume;
  readonly ino: bigint;
  readonly birthNs: bigint;
  readonly type: FileType;
  links: Link[];
  /** There may be names that are not in `links`: hard links that nobody has looked up. */
  mayBeElsewhere: boolean;
  /** The number of the last walk that has read this directory. */
  walked: number;
  reader: Promise<OpenFd> | undefined;
  writer: Promise<OpenFd> | undefined;
  /** Opens and locks; the state room's own. */
  state: unknown;
  /** It is known to have no set-id bits. */
  isPlain: boolean;
  /** Present since the first change. */
  changes: ChangeCounter | undefined;
}

/** Tells changes apart that the file system's clock does not. */
interface ChangeCounter {
  made: number;
  /** Of the latest ctime that was seen; -1 before. */
  seconds: number;
  nanoseconds: number;
  /** `made` when these seconds and nanoseconds were first seen. */
  base: number;
}

export function createNode(volume: Volume, stat: FileStat): FileNode {
  return {
    volume,
    ino: stat.ino,
    birthNs: stat.birthNs,
    type: stat.type,
    links: [],
    mayBeElsewhere: false,
    walked: 0,
    reader: undefined,
    writer: undefined,
    state: undefined,
    isPlain: false,
    changes: undefined,
  };
}

export const isDirectory = (node: FileNode): boolean => node.type === FileType.DIR;
export const isSame = (node: FileNode, stat: FileStat): boolean =>
  node.ino === stat.ino && node.birthNs === stat.birthNs;

/** Call after each change that was made through this server, when the change is in effect. */
export function noteChange(node: FileNode): void {
  node.changes ??= { made: 0, seconds: -1, nanoseconds: 0, base: 0 };
  node.changes.made += 1;
}

/**
 * The change attribute: ctime, whose clock ticks every few milliseconds, and how many changes this server has made since
 * it stood there. It grows with every change and, after a restart, goes on with a later ctime.
 */
export function changeOf(node: FileNode, { changed: { seconds, nanoseconds } }: FileStat): Change {
  const counter = node.changes;
  if (counter === undefined) return { high: seconds >>> 0, low: nanoseconds };
  const isLater = seconds > counter.seconds || (seconds === counter.seconds && nanoseconds > counter.nanoseconds);
  if (isLater) {
    // Somebody may have been told of this ctime before there was a counter.
    counter.base = counter.seconds === -1 ? counter.made - 1 : counter.made;
    counter.seconds = seconds;
    counter.nanoseconds = nanoseconds;
  }
  return { high: seconds >>> 0, low: (nanoseconds + counter.made - counter.base) >>> 0 };
}
