import { classifyDisks } from './classify.ts';
import { collectDisks } from './collect.ts';
import { limitSources } from './limits.ts';
import type { Disk, DiskPolicy, DiskSelector } from './model.ts';
import { type HeldDisk, recheckDisk } from './recheck.ts';
import { findDisk, selectDisks } from './select.ts';
import { type DiskSources, systemSources } from './sources.ts';
import { type BlockEvent, type DiskWatch, watchDisks } from './uevents.ts';

export { explainDisk } from './explain.ts';
export { type DiskFacts, readDiskFacts } from './facts.ts';
export { type DiskJson, toDiskJson } from './json.ts';
export type { Disk, DiskPolicy, DiskSelector, Media, PoolClaim, Reason, Transport, Verdict } from './model.ts';
export { IMAGE_POOL_LABEL, poolLabel } from './pool-label.ts';
export type { ReasonCode } from './reasons.ts';
export { type BlockEvent, type DiskSources, type DiskWatch, type HeldDisk, systemSources };

/** The node's disks. Nothing is kept between calls: each one looks anew. */
export interface Disks {
  /** Every block device and partition, except loop devices with nothing attached; sorted by kernel name. */
  list(): Promise<Disk[]>;
  /**
   * The disk that any of its ids, /dev/disk/by-id names, its path or kernel name means. A loop device that the policy
   * does not allow is read as well, so that the digest is the one that adoption finds. Throws DISK_NOT_FOUND,
   * DISK_AMBIGUOUS.
   */
  explain(name: string): Promise<Disk>;
  /** All disks that the selector matches, whatever their verdict. */
  resolve(selector: DiskSelector): Promise<Disk[]>;
  /**
   * To be called right before mkfs: opens the disk exclusively, looks anew, compares. `digest` is what the person saw
   * when that was before this process listed it. Throws DISK_IN_USE, DISK_CHANGED, DISK_NOT_FOUND. Close what is
   * returned right before mkfs is spawned, which opens the device exclusively itself.
   */
  recheck(disk: Disk, digest?: string): Promise<HeldDisk>;
  /**
   * Calls `onChange` within 1 s of a block device coming, going or changing, and every `rescanMs`. Loop devices that the
   * policy does not allow are left out.
   */
  watch(options: { onChange(events: BlockEvent[]): void; rescanMs?: number | undefined }): DiskWatch;
}

export function createDisks(options: {
  sources?: DiskSources | undefined;
  /** Asked at each call, since the known pools change. */
  policy: () => DiskPolicy;
}): Disks {
  const { policy } = options;
  const sources = limitSources(options.sources ?? systemSources());

  /** `named` is a loop device that somebody asks about: it is read, and may be free when `allowed`. */
  const look = async (named?: string, allowed = false): Promise<Disk[]> => {
    const base = policy();
    const loops = new Set([...(base.allowLoop ?? []), ...(named === undefined ? [] : [named])]);
    const snapshots = await collectDisks(sources, { loops });
    return classifyDisks(snapshots, allowed ? { ...base, allowLoop: loops } : base);
  };

  return {
    list: () => look(),
    async explain(name) {
      const disk = findDisk(name, await look());
      return isUnreadLoop(disk) ? findDisk(disk.path, await look(disk.path)) : disk;
    },
    async resolve(selector) {
      return selectDisks(selector, selector.allowLoop ? await look(selector.path, true) : await look());
    },
    recheck: (disk, digest = disk.digest) => recheckDisk(sources, disk, digest),
    watch: (watchOptions) =>
      watchDisks({ ...watchOptions, concerns: ({ name = '' }) => !isVolume(name, policy().allowLoop) }),
  };
}

const isUnreadLoop = ({ snapshot }: Disk): boolean =>
  snapshot.kind === 'loop' && snapshot.content.state === 'not-asked';

/** Loop devices that nobody allows come and go with volumes. */
const isVolume = (name: string, allowed: ReadonlySet<string> = new Set()): boolean =>
  /^loop\d/.test(name) && !allowed.has(`/dev/${name}`);
