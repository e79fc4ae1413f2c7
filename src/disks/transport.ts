import type { Media, Transport } from './model.ts';
import type { DiskSnapshot } from './snapshot.ts';

// What the kernel names the folders of each kind of connection; the first that fits decides.
const FOLDERS: [RegExp, Transport][] = [
  [/\/nvme-fabrics\//, 'nvme-fabrics'],
  [/\/nvme(-subsystem)?\//, 'nvme'],
  [/\/session\d+\//, 'iscsi'],
  [/\/(rport-|fc_)/, 'fc'],
  [/\/usb\d+\//, 'usb'],
  [/\/end_device-/, 'sas'],
  [/\/ata\d+\//, 'sata'],
  [/\/mmc_host\//, 'mmc'],
  [/\/host\d+\//, 'scsi'],
  [/\/virtio\d+\//, 'virtio'],
  [/\/virtual\/block\/loop\d/, 'loop'],
  [/\/virtual\//, 'virtual'],
];

export function transportOf({ sysPath, nvmeTransport }: DiskSnapshot): Transport | undefined {
  if (nvmeTransport !== undefined) return nvmeTransport === 'pcie' ? 'nvme' : 'nvme-fabrics';
  return FOLDERS.find(([folder]) => folder.test(sysPath))?.[1];
}

export const isNetwork = (transport: Transport | undefined): boolean =>
  transport === 'iscsi' || transport === 'fc' || transport === 'nvme-fabrics';

/** A partition has no queue of its own in sysfs, so its disk's counts. What lies below a loop device is not told. */
export function mediaOf(snapshot: DiskSnapshot, parent: DiskSnapshot | undefined): Media | undefined {
  if ((parent ?? snapshot).kind === 'loop') return undefined;
  const rotational = snapshot.rotational ?? parent?.rotational;
  return rotational === undefined ? undefined : rotational ? 'hdd' : 'ssd';
}
