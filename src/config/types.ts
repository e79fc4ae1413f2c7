import type { Backend, FilesystemType } from '../volumes/model.ts';

/** The daemon's configuration after checking, frozen. Sizes are in bytes; docs/reference/config.md describes the file. */
export interface Config {
  readonly node: {
    /** Also the CSI node id and the value of topology.berth.dev/node. */
    readonly name: string;
    readonly zone?: string | undefined;
    readonly region?: string | undefined;
    /** An IP address at which other nodes reach this one. */
    readonly address?: string | undefined;
    readonly stateDir: string;
  };
  readonly csi: {
    /** A file path, without `unix://`. */
    readonly socket: string;
    /** For calls that carry no deadline of their own. */
    readonly defaultDeadlineMs: number;
  };
  readonly admin: { readonly socket: string };
  readonly http: { readonly host: string; readonly port: number };
  readonly log: { readonly level: LogLevel };
  /** Registers the driver with the kubelet. */
  readonly kubelet?:
    | {
        readonly registrationDir: string;
        /** The CSI socket as the kubelet sees it. */
        readonly endpoint: string;
      }
    | undefined;
  /** Links the node to the cluster's controllers. */
  readonly fleet?:
    | {
        readonly controller: { readonly host: string; readonly port: number };
        readonly caFile: string;
        readonly tokenFile: string;
      }
    | undefined;
  /** Serves shared volumes by NFS. */
  readonly nfs?:
    | {
        readonly listen: { readonly host: string; readonly port: number };
        /** CIDR blocks of clients. */
        readonly allow: readonly string[];
      }
    | undefined;
  readonly pools: readonly PoolConfig[];
}

/** The controller's configuration after checking, frozen; docs/reference/config.md describes the file. */
export interface ControllerConfig {
  readonly csi: {
    /** A file path, without `unix://`. */
    readonly socket: string;
    readonly defaultDeadlineMs: number;
  };
  readonly http: { readonly host: string; readonly port: number };
  readonly fleet: {
    /** Where nodes connect. */
    readonly listen: { readonly host: string; readonly port: number };
    /** DNS names in the certificate. */
    readonly names: readonly string[];
  };
  readonly kubernetes: {
    readonly namespace: string;
    /** The Secret of the CA. */
    readonly caSecret: string;
    /** The ConfigMap with its certificate, for the nodes. */
    readonly caConfigMap: string;
    /** The ServiceAccount whose tokens are nodes'. */
    readonly nodeServiceAccount: string;
    /** That the tokens must be for. */
    readonly audience: string;
  };
  readonly log: { readonly level: LogLevel };
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** Exactly one of `disks` and `directory` is set. The backend `directory` is for throwaway volumes. */
export interface PoolConfig {
  readonly name: string;
  readonly class: string;
  readonly backend: Backend;
  /** Volumes are throwaway ones, and may be used from several nodes at once. */
  readonly shared: boolean;
  readonly reserve: Reserve;
  /** How much may be promised for each byte that is there, 1 or more; 1 means thick. */
  readonly overcommit: number;
  /** Each selects exactly one disk. */
  readonly disks?: readonly DiskSelector[] | undefined;
  readonly directory?: string | undefined;
  /** `btrfs`: how data lies on several disks. */
  readonly profile: Profile;
  /** `btrfs`: how sizes are enforced. */
  readonly quota: 'qgroup' | 'simple';
  /** `image`: what a volume is formatted with when the claim does not say; the pool chooses when this does not either. */
  readonly fsType?: Exclude<FilesystemType, 'directory'> | undefined;
}

export type Profile = 'single' | 'raid0' | 'raid1' | 'raid10';

/** Kept free from volumes: a share of the pool's size, or bytes. */
export type Reserve = { readonly percent: number } | { readonly bytes: bigint };

/**
 * Says which disk is meant; a disk matches when it has everything that is set. At least one key other than `allowLoop`
 * is set.
 */
export interface DiskSelector {
  /** The name of a link in /dev/disk/by-id, without the folder. */
  readonly byId?: string | undefined;
  /** A loop device, and then `allowLoop` is true. */
  readonly path?: string | undefined;
  readonly allowLoop?: boolean | undefined;
  readonly serial?: string | undefined;
  readonly model?: string | undefined;
  readonly wwn?: string | undefined;
  readonly media?: 'ssd' | 'hdd' | undefined;
  readonly transport?: 'nvme' | 'sata' | 'sas' | 'scsi' | 'usb' | 'virtio' | 'mmc' | undefined;
  readonly minSizeBytes?: bigint | undefined;
  readonly maxSizeBytes?: bigint | undefined;
}
