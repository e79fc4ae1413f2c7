import type { Disk, DiskFacts } from '../disks/index.ts';
import type { Backend, Call, PoolStatus, VolumeService } from '../volumes/model.ts';

/** What the admin socket needs of the daemon. */
export interface AdminBackend {
  service: VolumeService;
  disks: DiskViews;
  /** Where volumes that an operator mounts are staged. Below the state folder. */
  stagingDir: string;
  adoptDisk(request: AdoptDisk, call: Call): Promise<PoolStatus>;
  /** `pool` is the UUID, or the name in the config. */
  importPool(request: { pool: string }, call: Call): Promise<PoolStatus>;
  /** `pool` is the name in the config. */
  forgetPool(request: { pool: string }, call: Call): Promise<void>;
  status(): DaemonStatus;
}

/** The part of the disks room's door that is served; its `Disks`, and `readDiskFacts`. */
export interface DiskViews {
  list(): Promise<Disk[]>;
  explain(name: string): Promise<Disk>;
  /** By device path. Never rejects. */
  facts(): Promise<Map<string, DiskFacts>>;
}

export interface AdoptDisk {
  disk: string;
  /** What the operator was shown; the disk must still be so. */
  digest: string;
  pool: string;
  class: string;
  backend: Backend;
}

export interface DaemonStatus {
  version: string;
  mode: 'node' | 'dev';
  node: { name: string; zone?: string | undefined; region?: string | undefined };
  /** In ms since 1970. */
  startedAt: number;
  csiSocket: string;
  /** `host:port` */
  httpListen: string;
  ready: boolean;
  /** What an operator should look at, in plain words; pools that are not ready among it. */
  problems: string[];
}
