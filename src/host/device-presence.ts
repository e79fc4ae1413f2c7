import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * What tells one presence of a block device from the next under the same name: the kernel counts every disk that comes
 * up (`diskseq`, Linux 5.15). Undefined when nothing is there. Reads sysfs only, so it never waits for the device.
 */
export function devicePresence(path: string): string | undefined {
  const folder = `/sys/class/block/${basename(path)}`;
  const read = (file: string): string | undefined => {
    try {
      return readFileSync(`${folder}/${file}`, 'utf8').trim();
    } catch {
      return undefined;
    }
  };
  const size = read('size');
  // A partition's number is its disk's; a loop device without a file has no size.
  return size === undefined || size === '0' ? undefined : (read('diskseq') ?? read('../diskseq') ?? 'present');
}
