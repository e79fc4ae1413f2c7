import { setImmediate as turn } from 'node:timers/promises';
import { mapBounded } from '../map-bounded.ts';
import { notAsked, readContent } from './content.ts';
import { type DeviceFacts, readDevice } from './device.ts';
import { isOperatorsMapping } from './kinds.ts';
import { type DiskSnapshot, MOUNTS_KEPT } from './snapshot.ts';
import type { DiskSources } from './sources.ts';
import { readBtrfsMembers, readUsage, type Usage } from './usage.ts';

export interface CollectOptions {
  /** Loop devices whose content is read, by path. All others may be volumes and are left alone. */
  loops?: ReadonlySet<string> | undefined;
  /** Only the device of this kernel name. */
  only?: string | undefined;
}

const CONCURRENT_DEVICES = 8;
const DEVICES_PER_TURN = 32;

/**
 * An immutable snapshot of every block device and partition, sorted by kernel name. Loop devices with nothing attached
 * are left out. Never rejects because of one device: what could not be read of it is in its snapshot. Rejects when
 * sysfs cannot be read.
 */
export async function collectDisks(sources: DiskSources, options: CollectOptions = {}): Promise<DiskSnapshot[]> {
  const names = sources.list('sys', 'class/block');
  if (names === undefined) throw new Error('sysfs has no class/block');
  const usage = readUsage(sources);
  const members = readBtrfsMembers(sources);
  const devices = await readDevices(sources, names);

  const partitions = groupBy(devices, (device) => device.parent);
  const byNumber = new Map(devices.map(({ number, name }) => [number, name]));
  const loopsOver = groupBy(devices, (device) => backingName(sources, device, byNumber));
  const wanted = options.only === undefined ? devices : devices.filter((device) => device.name === options.only);
  const mounts = spreadOverMembers(usage.mounts, devices, members);

  return mapBounded(wanted, CONCURRENT_DEVICES, async (device) => {
    const mountPoints = mounts.get(device.number) ?? [];
    const facts = {
      ...device,
      partitions: (partitions.get(device.name) ?? []).map(({ name }) => name),
      btrfs: members.get(device.name),
      mountsFrom: usage.mountsFrom,
      mounts: shortest(mountPoints),
      mountCount: mountPoints.length,
      swap: usage.swaps.has(device.number),
      backs: (loopsOver.get(device.name) ?? []).map(({ name }) => name),
      problems: [...device.problems, ...usage.problems],
    };
    const content = isReadable(device, options.loops)
      ? await readContent(sources, { path: device.path, sizeBytes: device.sizeBytes, inUse: isInUse(facts) })
      : notAsked;
    return Object.freeze({ ...facts, ...content });
  });
}

async function readDevices(sources: DiskSources, names: string[]): Promise<DeviceFacts[]> {
  const devices: DeviceFacts[] = [];
  for (const [index, name] of names.sort(byKernelName).entries()) {
    if (index % DEVICES_PER_TURN === DEVICES_PER_TURN - 1) await turn();
    const device = readDevice(sources, name);
    if (device !== undefined) devices.push(device);
  }
  return devices;
}

/** sda before sda1 before sda2 before sda10 before sdb. */
const { compare: byKernelName } = new Intl.Collator('en', { numeric: true });

/**
 * Kernel name of the device that a loop device has for a file. The kernel tells the path as this process would write
 * it, and only from the top of its file system where the process cannot reach it, as in a container.
 */
function backingName(sources: DiskSources, { loop }: DeviceFacts, byNumber: Map<string, string>): string | undefined {
  if (loop === undefined) return undefined;
  const inDev = loop.backingFile.startsWith(`${sources.devRoot}/`);
  const number = inDev ? sources.nodeNumber(loop.backingFile) : undefined;
  return number === undefined ? loop.backingFile.slice(1) : byNumber.get(number);
}

/** Whether to touch the device at all. */
function isReadable(device: DeviceFacts, loops: CollectOptions['loops']): boolean {
  if (device.nodeNumber !== device.number || device.sizeBytes === 0n || device.hidden) return false;
  if (device.kind === 'disk' || device.kind === 'md') return true;
  if (device.kind === 'dm') return !device.dm?.suspended && isOperatorsMapping(device.dm?.uuid ?? '');
  if (device.kind === 'loop') return loops?.has(device.path) ?? false;
  if (device.kind !== 'partition') return false;
  return !device.parent?.startsWith('loop') || (loops?.has(device.path) ?? false);
}

type Users = Pick<DiskSnapshot, 'partitions' | 'holders' | 'mountCount' | 'swap' | 'backs' | 'btrfs'>;

const isInUse = (users: Users): boolean =>
  users.partitions.length + users.holders.length + users.mountCount + users.backs.length > 0 ||
  users.swap ||
  users.btrfs !== undefined;

/** A btrfs is mounted by the name of one member; what holds for that one holds for all. */
function spreadOverMembers(
  mounts: Usage['mounts'],
  devices: readonly DeviceFacts[],
  members: ReadonlyMap<string, string>,
): Usage['mounts'] {
  const spread = new Map(mounts);
  for (const group of groupBy(devices, (device) => members.get(device.name)).values()) {
    const points = group.flatMap(({ number }) => mounts.get(number) ?? []);
    for (const { number } of group) spread.set(number, points);
  }
  return spread;
}

/** The shortest are kept, so that those of the system itself are among them. */
const shortest = (mountPoints: readonly string[]): string[] =>
  [...new Set(mountPoints)].sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).slice(0, MOUNTS_KEPT);

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
