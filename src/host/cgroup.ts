import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readMounts } from './mountinfo.ts';

/** What io.max takes, in bytes and operations a second; undefined is no limit (Linux, cgroup-v2.rst, "IO Interface Files"). */
export interface IoMax {
  rbps?: number | undefined;
  wbps?: number | undefined;
  riops?: number | undefined;
  wiops?: number | undefined;
}

/** Deep enough for a kubelet that is itself in a container: /kubelet.slice/…-kubepods.slice/…-burstable.slice/…-podUID.slice. */
const MAX_DEPTH = 6;

/**
 * The control groups of the machine, version 2, as process 1 sees them: a container has its own view. Undefined where
 * there are none, or none that limit I/O.
 */
export function findIoControlGroups(): string | undefined {
  try {
    const mount = readMounts(1).findLast(({ fsType }) => fsType === 'cgroup2');
    if (mount === undefined) return undefined;
    const root = join('/proc/1/root', mount.mountPoint);
    return readFileSync(join(root, 'cgroup.controllers'), 'utf8').split(/\s+/).includes('io') ? root : undefined;
  } catch {
    return undefined; // a daemon without rights over process 1 limits nothing
  }
}

/** The control group that the kubelet made for a pod, with either of its drivers; undefined while there is none. */
export function findPodGroup(root: string, podUid: string): string | undefined {
  const suffixes = [`pod${podUid}`, `pod${podUid.replaceAll('-', '_')}.slice`];
  let level = [root];
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    const found = level.flatMap((dir) => childGroups(dir).map((name) => ({ name, path: join(dir, name) })));
    const pod = found.find(({ name }) => suffixes.some((suffix) => name === suffix || name.endsWith(`-${suffix}`)));
    if (pod !== undefined) return pod.path;
    level = found.filter(({ name }) => mayHoldPods(name)).map(({ path }) => path);
  }
  return undefined;
}

/** Services, scopes and other pods hold no pods. */
const mayHoldPods = (name: string): boolean =>
  !/\.(service|scope|mount|socket)$|(^|-)pod[0-9a-f]{8}[-_0-9a-f]*/.test(name);

function childGroups(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return []; // it has just ended
  }
}

/** Limits a group's I/O on the whole device `major:minor`. False when the group is gone or has no I/O controller. */
export function setIoMax(group: string, device: string, limits: IoMax): boolean {
  const file = join(group, 'io.max');
  if (!existsSync(file)) return false;
  const { rbps = 'max', wbps = 'max', riops = 'max', wiops = 'max' } = limits;
  writeFileSync(file, `${device} rbps=${rbps} wbps=${wbps} riops=${riops} wiops=${wiops}\n`);
  return true;
}
