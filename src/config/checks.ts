import { posix } from 'node:path';
import { isMap } from './defaults.ts';
import { isLoopPath, selectorKey } from './disk-selector.ts';
import { isLoopback } from './network.ts';
import { formatPath, type Problem } from './problem.ts';
import { quantity } from './scalars.ts';

type Raw = Record<string, unknown>;
type Path = readonly PropertyKey[];

/** Dev mode allows what would be unsafe on a node. */
export type Mode = 'node' | 'dev';

/** Keys of a pool that mean something to one backend only. */
const BACKEND_KEYS = { profile: 'btrfs', quota: 'btrfs', fsType: 'image' } as const;
const MIN_DISKS: Record<string, number> = { single: 1, raid0: 2, raid1: 2, raid10: 2 };

/**
 * The rules that span several keys. They look at the file's content as it is, so that they are told at once with what
 * the schema finds; whatever has not the right shape is the schema's to report and passed over here.
 */
export function checkRules(content: unknown, mode: Mode): Problem[] {
  if (!isMap(content)) return [];
  const pools = indexed(content.pools);
  return [
    ...checkSockets(content),
    ...checkNfs(content),
    ...pools.flatMap(([pool, path]) => checkPool(pool, path)),
    ...(mode === 'node' ? pools.flatMap(([pool, path]) => checkThrowaway(pool, path, content)) : []),
    ...checkNames(pools),
    ...checkDisksTwice(pools),
    ...checkFolders(pools),
  ];
}

/** The maps of a list, with their paths. */
function indexed(list: unknown, parent: Path = ['pools']): [Raw, Path][] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item, index): [Raw, Path][] => (isMap(item) ? [[item, [...parent, index]]] : []));
}

function checkSockets({ csi, admin }: Raw): Problem[] {
  if (!isMap(csi) || !isMap(admin) || typeof csi.endpoint !== 'string') return [];
  const same = csi.endpoint.replace(/^unix:\/\//, '') === admin.socket;
  return same ? [{ path: ['admin', 'socket'], message: 'expected another socket than csi.endpoint' }] : [];
}

function checkNfs({ nfs }: Raw): Problem[] {
  if (!isMap(nfs)) return [];
  const isOpen = typeof nfs.listen === 'string' && !isLoopback(nfs.listen);
  const isLimited = Array.isArray(nfs.allow) && nfs.allow.length > 0;
  if (!isOpen || isLimited) return [];
  return [{ path: ['nfs', 'allow'], message: 'expected who may come, since it listens to other machines' }];
}

function checkPool(pool: Raw, path: Path): Problem[] {
  const problems: Problem[] = [];
  const report = (key: string, message: string) => problems.push({ path: [...path, key], message });
  const { backend, disks, directory, profile } = pool;

  if (disks === undefined && directory === undefined) {
    problems.push({ path, message: 'expected disks or directory, found neither' });
  }
  if (disks !== undefined && directory !== undefined) report('directory', 'expected disks or directory, found both');
  for (const [key, owner] of Object.entries(BACKEND_KEYS)) {
    const isOther = isBackend(backend) && backend !== owner;
    if (pool[key] !== undefined && isOther) report(key, `expected only for backend ${owner}`);
  }

  if (pool['shared'] === true && backend === 'image')
    report('shared', 'expected only for backends whose volumes are directories');
  if (backend === 'directory' && disks !== undefined) report('disks', 'expected directory for backend directory');

  const count = Array.isArray(disks) ? disks.length : 0;
  if (backend === 'image' && count > 1) report('disks', `expected one disk for backend image, found ${count}`);
  if (backend === 'btrfs' && count > 1 && profile === undefined) {
    report('profile', `expected single, raid0, raid1 or raid10, since there are ${count} disks`);
  }
  const needed = typeof profile === 'string' ? (MIN_DISKS[profile] ?? 0) : 0;
  if (count > 0 && count < needed) report('profile', `${profile} needs ${needed} disks, found ${count}`);

  const selectors = indexed(disks, [...path, 'disks']);
  return [...problems, ...selectors.flatMap(([selector, at]) => checkSelector(selector, at))];
}

/** A pool of a node that has no size limit, or is shared, is for throwaway volumes: it must say both, and have a server. */
function checkThrowaway({ backend, shared }: Raw, path: Path, { nfs }: Raw): Problem[] {
  if (backend === 'directory' && shared !== true) {
    const message =
      'expected btrfs or image: a directory has no size limit and is for throwaway volumes, with shared: true';
    return [{ path: [...path, 'backend'], message }];
  }
  if (shared !== true) return [];
  if (backend !== 'directory') return [{ path: [...path, 'shared'], message: 'expected only for backend directory' }];
  return nfs === undefined ? [{ path: [...path, 'shared'], message: 'expected only beside nfs' }] : [];
}

const isBackend = (value: unknown): boolean => value === 'btrfs' || value === 'image' || value === 'directory';

function checkSelector(selector: Raw, path: Path): Problem[] {
  const { allowLoop, ...wanted } = selector;
  const isLoop = isLoopPath(selector.path);
  if (selector.path !== undefined && selector.byId !== undefined) {
    return [{ path: [...path, 'path'], message: 'expected path or byId, found both' }];
  }
  if (Object.keys(wanted).length === 0) {
    return [
      { path, message: 'expected at least one of byId, path, serial, model, wwn, media, transport, minSize, maxSize' },
    ];
  }
  if (isLoop && allowLoop !== true) {
    return [
      { path: [...path, 'path'], message: 'a loop device is for tests and trials; expected allowLoop: true beside it' },
    ];
  }
  if (!isLoop && allowLoop !== undefined) {
    return [{ path: [...path, 'allowLoop'], message: 'expected only beside the path of a loop device' }];
  }
  const [least, most] = [quantity.safeParse(selector.minSize), quantity.safeParse(selector.maxSize)];
  if (least.success && most.success && least.data > most.data) {
    return [{ path: [...path, 'maxSize'], message: 'expected at least minSize' }];
  }
  return [];
}

function checkNames(pools: [Raw, Path][]): Problem[] {
  const named = pools.filter(([pool]) => typeof pool.name === 'string');
  return repeats(named, ([pool]) => String(pool.name)).map(({ item: [, path], first: [pool, at] }) => ({
    path: [...path, 'name'],
    message: `expected a name of its own; ${formatPath(at)} is ${pool.name}, too`,
  }));
}

function checkDisksTwice(pools: [Raw, Path][]): Problem[] {
  const selectors = pools.flatMap(([pool, path]) => indexed(pool.disks, [...path, 'disks']));
  const meant = selectors.filter(([selector]) => Object.keys(selector).length > 0);
  return repeats(meant, ([selector]) => selectorKey(selector)).map(({ item: [, path], first: [, at] }) => ({
    path,
    message: `expected a disk of its own; ${formatPath(at)} selects the same`,
  }));
}

/** Two pools in one folder, or one in the other's, would take each other's files for their own. */
function checkFolders(pools: [Raw, Path][]): Problem[] {
  const folders = pools.flatMap(([pool, path]) => {
    const { directory } = pool;
    return typeof directory === 'string'
      ? [{ folder: `${posix.normalize(directory)}/`.replace(/\/+$/, '/'), path }]
      : [];
  });
  return folders.flatMap(({ folder, path }, index) => {
    const other = folders.slice(0, index).find((o) => o.folder.startsWith(folder) || folder.startsWith(o.folder));
    if (other === undefined) return [];
    return [
      {
        path: [...path, 'directory'],
        message: `expected a folder of its own; ${formatPath(other.path)} is in ${other.folder}`,
      },
    ];
  });
}

/** Each item whose key an earlier one has, with that earlier one. */
function repeats<T>(items: readonly T[], keyOf: (item: T) => string): { item: T; first: T }[] {
  const seen = new Map<string, T>();
  return items.flatMap((item) => {
    const first = seen.get(keyOf(item));
    if (first !== undefined) return [{ item, first }];
    seen.set(keyOf(item), item);
    return [];
  });
}
