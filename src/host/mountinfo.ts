import { readFileSync } from 'node:fs';

/** One line of /proc/PID/mountinfo, proc(5). */
export interface Mount {
  id: number;
  parentId: number;
  /** `major:minor` of the file system's device. */
  device: string;
  /** The directory of the file system that is mounted here; a btrfs subvolume shows as its path. */
  root: string;
  mountPoint: string;
  /** Options of this mount, such as `ro`. */
  options: string[];
  fsType: string;
  source: string;
  /** Options of the file system beneath, the same at each of its mounts. */
  superOptions: string[];
}

/** The kernel writes space, tab, newline, backslash and # as octal escapes, and nothing else. */
const decodeField = (field: string): string =>
  field.includes('\\')
    ? field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    : field;

/** Parses mountinfo, whose lines have any number of optional fields before a lone `-`. Malformed lines throw. */
export function parseMountInfo(text: string): Mount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ');
      const separator = fields.indexOf('-', 6);
      const superOptions = fields[separator + 3];
      if (separator === -1 || superOptions === undefined) {
        throw new SyntaxError(`mountinfo line not understood: ${line}`);
      }
      return {
        id: Number(fields[0]),
        parentId: Number(fields[1]),
        device: fields[2]!,
        root: decodeField(fields[3]!),
        mountPoint: decodeField(fields[4]!),
        options: fields[5]!.split(','),
        fsType: decodeField(fields[separator + 1]!),
        source: decodeField(fields[separator + 2]!),
        superOptions: superOptions.split(','),
      };
    });
}

/** The mounts that process `pid` sees; read from /proc, so that no file system is touched. */
export function readMounts(pid: number | 'self' = 'self'): Mount[] {
  return parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
}

/** The mount that one sees at `path`: the last of those stacked there. */
export const mountAt = (path: string, mounts: readonly Mount[] = readMounts()): Mount | undefined =>
  mounts.findLast(({ mountPoint }) => mountPoint === path);

/**
 * The mount that the directory `path`, without symbolic links, lies in. Its `device` is what other mounts of the same
 * file system show too; on btrfs stat(2) gives another one.
 */
export function mountHolding(path: string, mounts: readonly Mount[]): Mount {
  const holds = ({ mountPoint }: Mount): boolean =>
    mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`);
  // Of two at one place the later one covers the other.
  return mounts
    .filter(holds)
    .reduce((best, mount) => (mount.mountPoint.length >= best.mountPoint.length ? mount : best));
}
