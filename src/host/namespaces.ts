import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type Mount, parseMountInfo } from './mountinfo.ts';

/** One look at all mount namespaces serves every question of the same turn of the event loop: deletes come in bursts. */
let known: Mount[] | undefined;

/**
 * The mounts of every mount namespace that a process of this machine lives in, as far as /proc shows them: all of the
 * host's with `hostPID`, else those of this container.
 */
export function mountsInAllNamespaces(): Mount[] {
  if (known === undefined) {
    known = collect();
    setImmediate(() => {
      known = undefined;
    });
  }
  return known;
}

function collect(): Mount[] {
  const seen = new Set<string>();
  const mounts: Mount[] = [];
  for (const pid of ['self', ...readdirSync('/proc').filter((name) => /^\d+$/.test(name))]) {
    try {
      const namespace = readlinkSync(`/proc/${pid}/ns/mnt`);
      if (seen.has(namespace)) continue;
      mounts.push(...parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')));
      seen.add(namespace);
    } catch {
      // The process ended, or is not ours to look into; another one of its namespace may be.
    }
  }
  return mounts;
}
