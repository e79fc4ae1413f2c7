import type { Disk, DiskFacts } from '../../disks/index.ts';

export type DiskMessage = ReturnType<typeof encodeDisk>;

/** A disk as the command line shows it: all but the snapshot that the verdict rests on. */
export type DiskView = Omit<Disk, 'snapshot'>;

export function encodeDisk(disk: DiskView) {
  return {
    id: disk.id,
    identities: disk.identities,
    path: disk.path,
    kernel_name: disk.kernelName,
    verdict: disk.verdict as string,
    reasons: disk.reasons as { code: string; message: string; effect: string }[],
    digest: disk.digest,
    size_bytes: String(disk.sizeBytes),
    vendor: disk.vendor ?? '',
    model: disk.model ?? '',
    serial: disk.serial ?? '',
    wwn: disk.wwn ?? '',
    media: (disk.media ?? '') as string,
    transport: (disk.transport ?? '') as string,
    by_id: disk.byId,
    partitions: disk.partitions,
    fs_type: disk.fsType ?? '',
    label: disk.label ?? '',
    mounts: disk.mounts,
    pool: disk.pool === undefined ? null : { node: '', name: '', ...disk.pool },
  };
}

export function decodeDisk(message: DiskMessage): DiskView {
  const { pool } = message;
  return {
    id: message.id,
    identities: message.identities,
    path: message.path,
    kernelName: message.kernel_name,
    verdict: message.verdict as DiskView['verdict'],
    reasons: message.reasons as DiskView['reasons'],
    digest: message.digest,
    sizeBytes: BigInt(message.size_bytes),
    vendor: message.vendor || undefined,
    model: message.model || undefined,
    serial: message.serial || undefined,
    wwn: message.wwn || undefined,
    media: (message.media as DiskView['media']) || undefined,
    transport: (message.transport as DiskView['transport']) || undefined,
    byId: message.by_id,
    partitions: message.partitions,
    fsType: message.fs_type || undefined,
    label: message.label || undefined,
    mounts: message.mounts,
    pool: pool === null ? undefined : { uuid: pool.uuid, node: pool.node || undefined, name: pool.name || undefined },
  };
}

export type FactsMessage = ReturnType<typeof encodeFacts>;

/** The drive's own words beside what the disk's message has already. */
export type DriveFacts = Pick<DiskFacts, 'interface' | 'firmware' | 'temperatureCelsius' | 'health'>;

export function encodeFacts(facts: DriveFacts) {
  return {
    interface: facts.interface ?? '',
    firmware: facts.firmware ?? '',
    temperature_celsius: facts.temperatureCelsius,
    health: facts.health ?? '',
  };
}

export function decodeFacts(message: FactsMessage): DriveFacts {
  return {
    interface: message.interface || undefined,
    firmware: message.firmware || undefined,
    temperatureCelsius: message.temperature_celsius ?? undefined,
    health: message.health || undefined,
  };
}
