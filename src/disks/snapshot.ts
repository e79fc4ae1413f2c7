/**
 * What was read about one block device, and nothing that was concluded. Plain data: it is hashed for consent, recorded,
 * and replayed. A fact that could not be read is absent and told in `problems`.
 */
export interface DiskSnapshot {
  /** Kernel name, such as `sda1`. */
  readonly name: string;
  /** The device node. */
  readonly path: string;
  /** `major:minor`, from sysfs. */
  readonly number: string;
  /** `major:minor` of the node at `path`; absent when there is none. */
  readonly nodeNumber?: string | undefined;
  readonly kind: DeviceKind;
  /** Kernel name of the disk that this partition is on. */
  readonly parent?: string | undefined;
  readonly partitionNumber?: number | undefined;
  /** Kernel names. */
  readonly partitions: readonly string[];
  readonly sizeBytes: bigint;
  readonly readOnly: boolean;
  readonly removable: boolean;
  /** A path of an NVMe multipath device, without a node of its own. */
  readonly hidden: boolean;
  readonly rotational?: boolean | undefined;
  /** Where the device is in the machine: its folder in sysfs, below /sys. */
  readonly sysPath: string;
  /** NVMe only: how the controller is reached. */
  readonly nvmeTransport?: string | undefined;
  readonly model?: string | undefined;
  readonly vendor?: string | undefined;
  readonly serial?: string | undefined;
  /** NGUID, EUI-64 or NAA name, as sysfs `wwid` or the udev database has it. */
  readonly wwn?: string | undefined;
  readonly deviceState?: string | undefined;
  /** Kernel names of the devices that are made on top of this one, and of those that it is made of. */
  readonly holders: readonly string[];
  readonly slaves: readonly string[];
  readonly dm?: { readonly uuid: string; readonly name: string; readonly suspended: boolean } | undefined;
  readonly loop?: { readonly backingFile: string; readonly offsetBytes: bigint } | undefined;
  /** UUID of the btrfs, known to the kernel, that this device is a member of. */
  readonly btrfs?: string | undefined;
  /** `absent`: this machine has no udev database. `no-entry`: it has none about this device. */
  readonly udevState: 'read' | 'absent' | 'no-entry';
  /** The properties that matter. */
  readonly udev: Tags;
  /** Links to the node, below /dev, such as `disk/by-id/ata-...`. */
  readonly links: readonly string[];
  /** Whose mount table was read. Only that of PID 1 has all mounts of the machine. */
  readonly mountsFrom: 'init' | 'self' | 'none';
  /** Mount points, the shortest first, at most `MOUNTS_KEPT` of `mountCount`. */
  readonly mounts: readonly string[];
  readonly mountCount: number;
  readonly swap: boolean;
  /** Kernel names of the loop devices that have this device for a file. */
  readonly backs: readonly string[];
  readonly content: Content;
  /** Whether it could be opened with O_EXCL, which the kernel refuses while anything uses the device. */
  readonly exclusive: Answer<'granted' | 'busy'>;
  /** The first and the last `EDGE_BYTES`. */
  readonly head: Answer<'zero' | 'data'>;
  readonly tail: Answer<'zero' | 'data'>;
  /** Formats recognised from the bytes where blkid found nothing. */
  readonly headers: readonly string[];
  /** Facts other than the above that could not be read. */
  readonly problems: readonly string[];
}

export const MOUNTS_KEPT = 16;

/** Beyond a MiB, since VMFS begins at one. */
export const EDGE_BYTES = 2 << 20;

/** The device's own answer, that it gave none, or that it was not asked since another fact decided before. */
export type Answer<State extends string> =
  | { readonly state: State }
  | { readonly state: 'unknown'; readonly problem: string }
  | { readonly state: 'not-asked' };

export type DeviceKind =
  | 'disk'
  | 'partition'
  | 'loop'
  | 'dm'
  | 'md'
  | 'memory'
  | 'optical'
  | 'network'
  | 'boot-area'
  | 'other';

/** What `blkid -p` says. `empty` also has tags where the device is a partition: its own entry in the table. */
export type Content =
  | { readonly state: 'empty' | 'found'; readonly tags: Tags }
  | { readonly state: 'ambivalent' | 'not-asked' }
  | { readonly state: 'unknown'; readonly problem: string };

/** Properties by udev's names, such as `ID_FS_TYPE`, which blkid uses as well. */
export type Tags = Readonly<Record<string, string>>;

export const tagsOf = (content: Content): Tags =>
  content.state === 'found' || content.state === 'empty' ? content.tags : {};
