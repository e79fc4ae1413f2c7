import { basename, normalize } from 'node:path';
import { type Mount, parseMountInfo } from '../host/mountinfo.ts';
import type { DiskSnapshot } from './snapshot.ts';
import type { DiskSources } from './sources.ts';

/** Who uses which device, by `major:minor`, as far as the tables of the kernel tell. */
export interface Usage {
  mountsFrom: DiskSnapshot['mountsFrom'];
  mounts: Map<string, string[]>;
  swaps: Set<string>;
  /** What could not be read of it; concerns every disk. */
  problems: string[];
}

/** Reads the mount table of PID 1, which sees what all of the machine has mounted, and the list of swaps. */
export function readUsage(sources: DiskSources): Usage {
  const problems: string[] = [];
  const { from, mounts } = readMountTable(sources, problems);
  const numberOf = memoize((path: string) => sources.nodeNumber(path));
  const byNumber = new Map<string, string[]>();
  for (const mount of mounts) {
    const number = deviceOf(mount, numberOf);
    if (number === undefined) continue;
    const points = byNumber.get(number);
    if (points === undefined) byNumber.set(number, [mount.mountPoint]);
    else points.push(mount.mountPoint);
  }
  return { mountsFrom: from, mounts: byNumber, swaps: readSwaps(sources, numberOf, problems), problems };
}

function readMountTable(
  sources: DiskSources,
  problems: string[],
): { from: DiskSnapshot['mountsFrom']; mounts: Mount[] } {
  // As PID 1 of a container Berth sees only the mounts of that container.
  const ownPidIs1 = sources.linkTarget('proc', 'self') === '1';
  for (const [from, file] of [
    ['init', '1/mountinfo'],
    ['self', 'self/mountinfo'],
  ] as const) {
    try {
      const text = sources.readText('proc', file);
      if (text !== undefined) return { from: ownPidIs1 ? 'self' : from, mounts: parseMountInfo(text) };
      problems.push(`/proc/${file} is missing`);
    } catch (error) {
      problems.push(`/proc/${file}: ${(error as Error).message}`);
    }
  }
  return { from: 'none', mounts: [] };
}

/**
 * btrfs and others that span devices have a number of their own; their source is one of the devices. Only a plain path
 * below /dev is looked up, since users choose the source of a FUSE mount.
 */
function deviceOf(mount: Mount, numberOf: (path: string) => string | undefined): string | undefined {
  if (!mount.device.startsWith('0:')) return mount.device;
  if (mount.fsType.startsWith('fuse') || !mount.source.startsWith('/dev/')) return undefined;
  return normalize(mount.source) === mount.source ? numberOf(mount.source) : undefined;
}

/** /proc/swaps, proc(5): a heading, then `name type size used priority`, the name with octal escapes. */
function readSwaps(
  sources: DiskSources,
  numberOf: (path: string) => string | undefined,
  problems: string[],
): Set<string> {
  const swaps = new Set<string>();
  try {
    const text = sources.readText('proc', 'swaps');
    if (text === undefined) problems.push('/proc/swaps is missing');
    for (const line of text?.split('\n').slice(1) ?? []) {
      const [path, type] = line.split(/\s+/);
      if (type !== 'partition' || path === undefined) continue;
      const number = numberOf(path);
      if (number !== undefined) swaps.add(number);
      else problems.push(`swap on ${path}, which is not a device node here`);
    }
  } catch (error) {
    problems.push(`/proc/swaps: ${(error as Error).message}`);
  }
  return swaps;
}

/** UUID of the btrfs that each device is a member of, by kernel name; only of file systems that are mounted. */
export function readBtrfsMembers(sources: DiskSources): Map<string, string> {
  const members = new Map<string, string>();
  for (const uuid of sources.list('sys', 'fs/btrfs') ?? []) {
    if (!/^[0-9a-f-]{36}$/.test(uuid)) continue;
    for (const name of sources.list('sys', `fs/btrfs/${uuid}/devices`) ?? []) members.set(basename(name), uuid);
  }
  return members;
}

function memoize<T>(look: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    if (!known.has(key)) known.set(key, look(key));
    return known.get(key)!;
  };
}
