import { BerthError } from '../errors.ts';
import type { Disk, DiskSelector } from './model.ts';

/**
 * The disks that have everything that the selector sets, whatever their verdict. A selector that sets nothing matches
 * nothing. Partitions are matched by name only, never by what their disk is.
 */
export function selectDisks(selector: DiskSelector, disks: readonly Disk[]): Disk[] {
  const tests = testsOf(selector);
  if (tests.length === 0) return [];
  const byName = selector.byId !== undefined || selector.path !== undefined;
  return disks.filter((disk) => (byName || disk.snapshot.kind !== 'partition') && tests.every((test) => test(disk)));
}

type Test = (disk: Disk) => boolean;

function testsOf(selector: DiskSelector): Test[] {
  const { byId, path, serial, model, wwn, media, transport, minSizeBytes, maxSizeBytes } = selector;
  const test = <T>(value: T | undefined, matches: (value: T, disk: Disk) => boolean): Test[] =>
    value === undefined ? [] : [(disk) => matches(value, disk)];
  return [
    ...test(byId, (name, disk) => disk.byId.includes(name) || disk.identities.includes(name)),
    ...test(path, (name, disk) => isAt(disk, name, selector.allowLoop === true)),
    ...test(serial, (name, disk) => disk.serial === name),
    ...test(model, (name, disk) => disk.model !== undefined && loose(disk.model) === loose(name)),
    ...test(wwn, (name, disk) => disk.wwn === name || disk.snapshot.udev['ID_WWN'] === name),
    ...test(media, (name, disk) => (name === 'nvme' ? disk.transport === 'nvme' : disk.media === name)),
    ...test(transport, (name, disk) => disk.transport === name),
    ...test(minSizeBytes, (bytes, disk) => disk.sizeBytes >= bytes),
    ...test(maxSizeBytes, (bytes, disk) => disk.sizeBytes <= bytes),
  ];
}

/** The kernel gives `/dev/sda` to another disk at the next start; only a loop device is what its name says. */
const isAt = (disk: Disk, path: string, allowLoop: boolean): boolean =>
  disk.snapshot.kind === 'loop' ? allowLoop && disk.path === path : disk.snapshot.links.includes(path.slice(5));

/** sysfs writes spaces where udev writes underscores. */
const loose = (model: string): string => model.replace(/[\s_]+/g, ' ').trim();

/** The disk that a person means: by an id, a /dev/disk/by-id name, a path or a kernel name. */
export function findDisk(name: string, disks: readonly Disk[]): Disk {
  const link = name.replace(/^\/dev\//, '');
  const found = disks.filter(
    (disk) =>
      disk.identities.includes(name) ||
      disk.byId.includes(name) ||
      disk.path === name ||
      disk.kernelName === name ||
      disk.snapshot.links.includes(link),
  );
  if (found.length > 1) {
    throw new BerthError('DISK_AMBIGUOUS', {
      selector: name,
      count: found.length,
      disks: found.map(({ path }) => path).join(', '),
    });
  }
  if (found.length === 0) throw new BerthError('DISK_NOT_FOUND', { id: name });
  return found[0]!;
}
