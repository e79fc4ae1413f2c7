import type { PoolName } from './lab.ts';

/** `asked` and `leaving` stand for calls that were sent and not answered: afterwards it may be either way. */
export type Existence = 'asked' | 'there' | 'leaving' | 'gone';
export type Presence = 'no' | 'asked' | 'yes' | 'leaving';

/** SHA-256 of what was written and synced, by file name, or by offset on a raw block device. */
export type Data = Map<string, string>;

/** A subvolume of a btrfs pool, or what is in an image. */
export type Content = 'subvolume' | 'btrfs' | 'ext4' | 'block';

interface Note {
  pool: PoolName;
  name: string;
  /** As sent, so that it can be sent again. */
  request: object;
  existence: Existence;
  /** From the first answer on. */
  id: string | undefined;
}

export interface VolumeNote extends Note {
  content: Content;
  thin: boolean;
  sizeBytes: bigint;
  /** What an expansion without an answer asked for. */
  askedBytes: bigint | undefined;
  /** The file system inside has been promised to be as large as the volume. */
  filled: boolean;
  data: Data;
  staged: Presence;
  published: Presence;
  readOnly: boolean;
}

/** What a snapshot must hold: the volume as it was. */
export interface Cut {
  content: Content;
  sizeBytes: bigint;
  data: Data;
}

export interface SnapshotNote extends Note, Cut {}

export interface GroupNote extends Note {
  /** By the id of the volume. */
  cuts: Map<string, Cut>;
  /** Ids of the snapshots, by the id of the volume; empty until the first answer. */
  members: Map<string, string>;
}

/** All that one or several callers have asked for and been told: what must be true of the pools. */
export interface Book {
  volumes: VolumeNote[];
  snapshots: SnapshotNote[];
  groups: GroupNote[];
}

export const emptyBook = (): Book => ({ volumes: [], snapshots: [], groups: [] });

export const mergeBooks = (books: readonly Book[]): Book => ({
  volumes: books.flatMap(({ volumes }) => volumes),
  snapshots: books.flatMap(({ snapshots }) => snapshots),
  groups: books.flatMap(({ groups }) => groups),
});

export const cutOf = ({ content, sizeBytes, data }: VolumeNote): Cut => ({
  content,
  sizeBytes,
  data: new Map(data),
});

/** The object's own part of an id, which is its name on the disk. */
export const uuidOf = (id: string): string => id.slice(id.indexOf('.') + 1);

/** What must be there for sure, as its id says. */
export const isThere = <T extends Note>(note: T): note is T & { id: string } => note.existence === 'there';
