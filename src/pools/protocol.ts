import type { ErrorCode } from '../errors.ts';
import type { QuotaMode } from '../host/btrfs.ts';
import type { Backend, FilesystemType } from '../volumes/model.ts';

/** What the main thread tells a pool's thread of the pool: config, and where the storage is now. */
export interface PoolSpec {
  name: string;
  class: string;
  backend: Backend;
  nodeName: string;
  /** Where file systems of disk pools are mounted. */
  mountsDir: string;
  storage:
    | { kind: 'directory'; path: string }
    /** Device paths of now. */
    | {
        kind: 'disks';
        devices: string[];
        /** Undefined when the disks are empty: a file system is then made here and now. */
        filesystemUuid: string | undefined;
        /** The label by which the disks room tells whose pool a disk is. */
        label: string;
        profile: string;
      };
  reserve: { percent: number } | { bytes: bigint };
  overcommit: number;
  /** Volumes may be used from several nodes at once. */
  shared: boolean;
  quota: QuotaMode;
  /** Of image volumes; the backend chooses when it is not set. */
  defaultFilesystem?: FilesystemType | undefined;
  /** Take the pool over from the node that owns it. */
  takeOver: boolean;
  /** The pool that was open here before: its volumes are not to look deleted because another one is there now. */
  expectedId: string | undefined;
}

/** The pool's numbers, sent with each answer that may have changed them. */
export interface PoolFigures {
  totalBytes: bigint;
  availableBytes: bigint;
  provisionedBytes: bigint;
  reserveBytes: bigint;
  freeBytes: bigint;
  volumes: number;
  snapshots: number;
}

/** What opening a pool found. */
export interface Opened {
  id: string;
  storage: string[];
  names: { kind: 'volume' | 'snapshot' | 'group'; name: string }[];
  limitsEnforced: boolean;
  snapshotKind: 'instant' | 'copy' | 'none';
  blockVolumes: boolean;
  shared: boolean;
  /** Why no volume here can have I/O limits. */
  ioLimitsProblem: string | undefined;
  filesystems: FilesystemType[];
  defaultFilesystem: FilesystemType;
  granularityBytes: bigint;
  minimumBytes: Record<string, bigint>;
  /** Entries on the disk that the ledger does not know; they are left alone. */
  orphans: string[];
  /** Ids of volumes that the ledger has and the disk has not. */
  missing: string[];
}

export interface WireError {
  code: ErrorCode;
  details: Record<string, string | number | bigint>;
  /** The cause, for the log only. */
  cause?: string | undefined;
}

export type ToPool =
  | { kind: 'open'; spec: PoolSpec }
  | { kind: 'calls'; calls: { id: number; operation: string; args: unknown }[] }
  /** Answered at once by a thread that is not stuck in the kernel. */
  | { kind: 'ping' }
  | { kind: 'close' };

export type FromPool =
  | { kind: 'opened'; opened: Opened; figures: PoolFigures }
  | { kind: 'open-failed'; error: WireError }
  | { kind: 'answers'; answers: Answer[]; figures: PoolFigures | undefined }
  | { kind: 'log'; level: 'debug' | 'info' | 'warn' | 'error'; message: string; fields: Record<string, unknown> }
  | { kind: 'fatal'; error: WireError }
  | { kind: 'pong'; figures: PoolFigures | undefined }
  | { kind: 'closed' };

export type Answer = { id: number; value: unknown } | { id: number; error: WireError };
