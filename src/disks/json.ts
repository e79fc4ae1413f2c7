import type { Disk, Media, Transport, Verdict } from './model.ts';
import type { ReasonCode } from './reasons.ts';

/**
 * One element of what `berth disk list --json` prints. Names and meanings are stable and every key is always there;
 * what is not known is null. docs/disks.md describes it.
 */
export interface DiskJson {
  id: string;
  path: string;
  kernelName: string;
  sizeBytes: number;
  verdict: Verdict;
  reasons: { code: ReasonCode; message: string }[];
  digest: string;
  model: string | null;
  vendor: string | null;
  serial: string | null;
  wwn: string | null;
  media: Media | null;
  transport: Transport | null;
  byId: string[];
  partitions: string[];
  fsType: string | null;
  label: string | null;
  mounts: string[];
  pool: { uuid: string; name: string | null; node: string | null } | null;
}

export const toDiskJson = (disk: Omit<Disk, 'snapshot'>): DiskJson => ({
  id: disk.id,
  path: disk.path,
  kernelName: disk.kernelName,
  sizeBytes: Number(disk.sizeBytes),
  verdict: disk.verdict,
  reasons: disk.reasons.map(({ code, message }) => ({ code, message })),
  digest: disk.digest,
  model: disk.model ?? null,
  vendor: disk.vendor ?? null,
  serial: disk.serial ?? null,
  wwn: disk.wwn ?? null,
  media: disk.media ?? null,
  transport: disk.transport ?? null,
  byId: disk.byId,
  partitions: disk.partitions,
  fsType: disk.fsType ?? null,
  label: disk.label ?? null,
  mounts: disk.mounts,
  pool:
    disk.pool === undefined
      ? null
      : { uuid: disk.pool.uuid, name: disk.pool.name ?? null, node: disk.pool.node ?? null },
});
