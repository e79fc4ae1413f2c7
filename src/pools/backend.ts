import type { Mount } from '../host/mountinfo.ts';
import type { Backend, BlockPage, FilesystemType, HealthProblem, Usage, VolumeParameters } from '../volumes/model.ts';
import type { Ledger, ObjectRow } from './ledger.ts';

/** A name in one of the pool's own directories, opened once and used beneath (openat2). */
export interface Place {
  dirFd: number;
  /** Absolute path of the directory, for the few tools and calls that want a path. */
  dirPath: string;
  name: string;
}

export interface MakeSpec {
  uuid: string;
  sizeBytes: bigint;
  content: ObjectRow['content'];
  parameters: VolumeParameters;
}

/** What a backend found out about what it made. */
export interface Made {
  /** Read back before anything destructive; must not be forgeable from inside the volume. */
  identity: string;
  number?: bigint | undefined;
  /** What it can come to take in the pool; volumes count their full size instead. */
  heldBytes: bigint;
}

export interface CopySource {
  row: ObjectRow;
  place: Place;
  /** A path where the source's file system is mounted, when it is. */
  mountedAt?: string | undefined;
}

/** Pieces of a volume, in order and apart; `nextBytes` is where to go on, absent at the end. */
export type Blocks = Pick<BlockPage, 'blocks' | 'nextBytes'>;

export type Progress = (doneBytes: bigint, totalBytes: bigint) => void;

export type GuardedLedger = Pick<Ledger, 'listObjects' | 'volumeByNumber'>;

export interface Guard {
  /** Gives every volume the limit that the ledger says. */
  start(ledger: GuardedLedger): void;
  /** Called every second; cheap when nothing is new. Returns what an operator should know, once. */
  look(ledger: GuardedLedger): string[];
  problems(row: ObjectRow): HealthProblem[];
}

/**
 * How a kind of pool makes volumes. All methods run on the pool's thread; those that return a promise may take long
 * and let other operations run meanwhile. Names come from the ledger, never from a caller.
 */
export interface BackendDriver {
  readonly kind: Backend;
  readonly granularityBytes: bigint;
  readonly filesystems: readonly FilesystemType[];
  readonly defaultFilesystem: FilesystemType;
  readonly blockVolumes: boolean;
  readonly limitsEnforced: boolean;
  readonly snapshotKind: 'instant' | 'copy' | 'none';
  /** Suffix of file names, '' for directories. */
  readonly suffix: string;
  minimumBytes(content: ObjectRow['content']): bigint;

  /** Makes an empty volume; formatting, where it needs one, is a step of its own. */
  make(place: Place, spec: MakeSpec): Made;
  format?(place: Place, spec: MakeSpec): Promise<void>;
  /** Copies a volume or snapshot. Instant where the backend can. */
  copy(
    source: CopySource,
    place: Place,
    spec: MakeSpec & { readOnly: boolean; signal?: AbortSignal },
    progress: Progress,
  ): Made | Promise<Made>;
  /** Whether a running user of the source must be held still while `copy` runs. */
  readonly freezesForCopy: boolean;
  /** Copies several volumes at one moment. Absent where the backend cannot. */
  copyGroup?(sources: CopySource[], places: Place[]): Promise<Made[] | undefined>;

  /** Guards a snapshot in its place against writes; taken off again before it is moved, which it would forbid. */
  setReadOnly?(place: Place, readOnly: boolean): void;
  /** What the object could come to take in the pool if all that shares its blocks went away. */
  heldBytes(place: Place, row: ObjectRow): bigint;
  /** What was ever written, `max` pieces at most. Absent where volumes are no block devices. */
  writtenBlocks?(place: Place, fromBytes: bigint, max: number): Blocks;
  /** Where a copy differs from an earlier one. Absent where copies share nothing. */
  changedBlocks?: ((base: Place, place: Place, fromBytes: bigint, max: number) => Blocks) | undefined;
  /** The identity of what is at the place, undefined when nothing is. */
  identify(place: Place): string | undefined;
  /** Sets the size or limit; the file system inside is grown by `growFilesystem`. */
  resize(place: Place, row: ObjectRow, sizeBytes: bigint): void;
  /** Whether growing needs a mounted file system (NodeExpandVolume) or is done by `resize`. */
  readonly growsFilesystem: boolean;
  growFilesystem?(place: Place, row: ObjectRow, mountedAt: string): Promise<void>;

  /** Looks after the limits where tenants have ways around them. */
  readonly guard?: Guard;
  /** Puts right at start what the backend alone can know of, such as quota groups without a subvolume. */
  tidy?(): void;
  /** Gives the space back; goes on where an earlier call stopped. Resolves when nothing is left. */
  free(place: Place, row: ObjectRow, progress: Progress): Promise<void>;
  usage(place: Place, row: ObjectRow, mountedAt: string | undefined): Usage;

  /** Attaches what must be attached before mounting: a loop device. Returns its path. */
  attach?(place: Place, row: ObjectRow): string;
  detach?(place: Place, row: ObjectRow): void;
  /** The block device that the volume is attached to now. */
  attachedDevice?(place: Place, row: ObjectRow): string | undefined;
  /** Throws VOLUME_DAMAGED unless the attached device holds the file system that the ledger says. */
  verifyContent?(device: string | undefined, row: ObjectRow): Promise<void>;
  /** Mounts the volume at a directory. `device` is what `attach` gave. */
  mount(place: Place, row: ObjectRow, target: string, options: readonly string[], device: string | undefined): void;
  /** Which of these mounts show the volume. */
  mountsOf(place: Place, row: ObjectRow, mounts: readonly Mount[], device: string | undefined): Mount[];
}
