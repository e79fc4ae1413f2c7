import type { ReasonCode } from './reasons.ts';
import type { DiskSnapshot } from './snapshot.ts';

/**
 * `ours`: carries a pool of this node. `free`: proved empty and unused, may be adopted. `used`: something is on it, it
 * is in use, or it is of a kind that Berth does not take. `unknown`: could not be read well enough to tell.
 */
export type Verdict = 'ours' | 'free' | 'used' | 'unknown';

export type Media = 'hdd' | 'ssd';

/** How the device is connected, as far as sysfs tells; undefined where it does not. */
export type Transport =
  | 'nvme'
  | 'sata'
  | 'sas'
  | 'scsi'
  | 'usb'
  | 'virtio'
  | 'mmc'
  | 'loop'
  | 'virtual'
  | 'iscsi'
  | 'fc'
  | 'nvme-fabrics';

/** One thing that speaks about the disk. `effect` is the verdict that it forces; a `note` forces none. */
export interface Reason {
  code: ReasonCode;
  message: string;
  effect: 'used' | 'unknown' | 'note';
}

/** The pool that a disk says it carries. */
export interface PoolClaim {
  /** The file system's UUID, which is the pool's. */
  uuid: string;
  /** The node in the label, when the label has one. */
  node?: string | undefined;
  name?: string | undefined;
}

/** A snapshot with what follows from it. */
export interface Disk {
  /** The strongest identity that the disk has. Good for `berth disk explain` and for a selector's `byId`. */
  id: string;
  /** All identities, strongest first; `id` is the first. */
  identities: string[];
  verdict: Verdict;
  /** Every reason, also those that a stronger one makes needless. */
  reasons: Reason[];
  /** SHA-256 in hex over the snapshot. Whoever adopts a disk gives the digest that was shown. */
  digest: string;
  path: string;
  kernelName: string;
  sizeBytes: bigint;
  model?: string | undefined;
  vendor?: string | undefined;
  serial?: string | undefined;
  wwn?: string | undefined;
  media?: Media | undefined;
  transport?: Transport | undefined;
  /** Names of the links in /dev/disk/by-id. */
  byId: string[];
  /** Kernel names. */
  partitions: string[];
  fsType?: string | undefined;
  label?: string | undefined;
  mounts: string[];
  pool?: PoolClaim | undefined;
  snapshot: DiskSnapshot;
}

/** What `classifyDisks` must know about this node. */
export interface DiskPolicy {
  nodeName: string;
  /** Pool name by file-system UUID, of the pools that this node has or had. */
  knownPools: ReadonlyMap<string, string>;
  /** Smaller disks are `used`. 1 GiB when absent. */
  minSizeBytes?: bigint | undefined;
  /** The same for loop devices. 128 MiB when absent. */
  minLoopSizeBytes?: bigint | undefined;
  /** Loop devices that may be `free` or `ours`, by path; all others never are. */
  allowLoop?: ReadonlySet<string> | undefined;
}

/** Says which disk is meant; a disk matches when it has everything that is set. */
export interface DiskSelector {
  /** The name of a link in /dev/disk/by-id, or an id that Berth shows. */
  readonly byId?: string | undefined;
  /** A loop device, with `allowLoop`, or a link below /dev/disk. Other kernel names match nothing. */
  readonly path?: string | undefined;
  readonly allowLoop?: boolean | undefined;
  readonly serial?: string | undefined;
  readonly model?: string | undefined;
  readonly wwn?: string | undefined;
  /** `nvme` means a disk that is connected by NVMe. */
  readonly media?: Media | 'nvme' | undefined;
  readonly transport?: Transport | undefined;
  readonly minSizeBytes?: bigint | undefined;
  readonly maxSizeBytes?: bigint | undefined;
}
