import type { AdminClient, DiskExplanation } from '../admin/client.ts';
import type { DiskView } from '../admin/wire/disks.ts';
import { BerthError, type ErrorCode } from '../errors.ts';
import type { Job, PoolStatus, Snapshot, Volume } from '../volumes/model.ts';

export interface Kind<T> {
  /** Names that mean the item when they are given in full, most telling first. */
  names(item: T): (string | undefined)[];
  notFound(name: string): BerthError<ErrorCode>;
}

export const volumes: Kind<Volume> = {
  names: ({ id, name }) => [id, name, ownPart(id)],
  notFound: (id) => new BerthError('VOLUME_NOT_FOUND', { id }),
};
export const snapshots: Kind<Snapshot> = {
  names: ({ id, name }) => [id, name, ownPart(id)],
  notFound: (id) => new BerthError('SNAPSHOT_NOT_FOUND', { id }),
};
const pools: Kind<PoolStatus> = {
  names: ({ id, name }) => [id, name],
  notFound: (pool) => new BerthError('POOL_UNKNOWN', { pool }),
};
const disks: Kind<DiskView> = {
  names: ({ identities }) => identities,
  notFound: (id) => new BerthError('DISK_NOT_FOUND', { id }),
};
const jobs: Kind<Job> = {
  names: ({ id }) => [id, ownPart(id)],
  notFound: (id) => new BerthError('JOB_NOT_FOUND', { id }),
};

/** The UUID of what is on a pool; its id has the pool's before it. */
export const ownPart = (id: string): string => id.slice(id.indexOf('.') + 1);

const SHORT_ID = 8;

/** Beginnings of the ids' own parts, as short as they may be to mean one item each. */
export function shortIds(items: readonly { id: string }[]): Map<string, string> {
  const own = items.map(({ id }) => ownPart(id)).sort();
  const shared = (a: string, b = ''): number => {
    let length = 0;
    while (length < a.length && a[length] === b[length]) length++;
    return length;
  };
  const longest = Math.max(0, ...own.slice(1).map((part, index) => shared(part, own[index])));
  const length = Math.max(SHORT_ID, longest + 1);
  return new Map(items.map(({ id }) => [id, ownPart(id).slice(0, length)]));
}

/** How a full id is shown among other words. */
export const shortId = (id: string): string => (isFullId(id) ? ownPart(id).slice(0, SHORT_ID) : id);

/** The only item that has `name` in full, else the only one that has a name beginning so. */
export function pick<T>(items: readonly T[], name: string, kind: Kind<T>): T {
  const having = (test: (one: string) => boolean): T[] =>
    name === '' ? [] : items.filter((item) => kind.names(item).some((one) => one !== undefined && test(one)));
  const exact = having((one) => one === name);
  const found = exact.length > 0 ? exact : having((one) => one.startsWith(name));
  if (found.length === 0) throw kind.notFound(name);
  if (found.length === 1) return found[0]!;
  const shown = found.slice(0, 5).map((item) => kind.names(item).slice(0, 2).join(' '));
  const more = found.length > shown.length ? `, and ${found.length - shown.length} more` : '';
  throw new BerthError('NAME_AMBIGUOUS', { name, matches: `${shown.join(', ')}${more}` });
}

export const findVolume = async (client: AdminClient, name: string): Promise<Volume> =>
  isFullId(name) ? client.getVolume(name) : pick(await client.listVolumes(), name, volumes);

export const findSnapshot = async (client: AdminClient, name: string): Promise<Snapshot> =>
  pick(await client.listSnapshots(), name, snapshots);

export const findPool = async (client: AdminClient, name: string): Promise<PoolStatus> =>
  pick(await client.listPools(), name, pools);

export const findJob = async (client: AdminClient, name: string): Promise<Job> =>
  pick(await client.listJobs(), name, jobs);

/** The daemon knows every name of a disk; only a beginning is looked up here. */
export async function findDisk(client: AdminClient, name: string): Promise<DiskExplanation> {
  try {
    return await client.explainDisk(name);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'DISK_NOT_FOUND') throw error;
    return client.explainDisk(pick(await client.listDisks(), name, disks).id);
  }
}

/** Spares the list of all volumes when nothing is to be looked up. */
export const isFullId = (name: string): boolean => /^[0-9a-f-]{36}\.[0-9a-f-]{36}$/.test(name);
