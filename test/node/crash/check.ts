import { existsSync, statfsSync } from 'node:fs';
import { readMounts } from '../../../src/host/mountinfo.ts';
import type { PoolStatus } from '../../../src/volumes/model.ts';
import type { Daemon } from '../../helpers/daemon.ts';
import { until } from '../../helpers/until.ts';
import type { Calls } from './calls.ts';
import { findWrongPieces } from './data.ts';
import { type Entry, ext4Bytes, type Findings, inspectPool } from './inspect.ts';
import type { CrashLab, CrashPool } from './lab.ts';
import { type Book, type Cut, isThere, type Presence, uuidOf, type VolumeNote } from './notes.ts';

const SETTLE_LIMIT_MS = 20_000;

/** Everything that is there, as ids. */
export type Inventory = { volumes: Map<string, bigint>; snapshots: Set<string> };

export const takeInventory = async (calls: Calls): Promise<Inventory> => ({
  volumes: await calls.listVolumes(),
  snapshots: await calls.listSnapshots(),
});

/** Waits until the pools have nothing unfinished: no create, no delete, nothing being freed. */
export function settle(lab: CrashLab): Promise<void> {
  const isSettled = (pool: CrashPool): boolean => {
    const { staging, trash, rows, looseQgroups } = inspectPool(pool);
    return staging.length + trash.length + looseQgroups.length === 0 && rows.every(({ state }) => state === 'ready');
  };
  const describe = (pool: CrashPool): string => {
    const { staging, trash, rows, looseQgroups } = inspectPool(pool);
    const unfinished = rows.filter(({ state }) => state !== 'ready').map(({ uuid, state }) => `${uuid} ${state}`);
    return `${pool.name}: staging ${staging}; trash ${trash}; quota groups ${looseQgroups}; rows ${unfinished}`;
  };
  return until(
    () => `nothing is unfinished: ${lab.pools.map(describe).join('; ')}`,
    () => lab.pools.every(isSettled),
    SETTLE_LIMIT_MS,
  );
}

/** What the book says and the pools do not bear out, each in a line. The pools are settled and take no calls. */
export async function findProblems(lab: CrashLab, daemon: Daemon, book: Book, inventory: Inventory): Promise<string[]> {
  const statuses = await daemon.admin.listPools();
  const problems = await Promise.all(
    lab.pools.map(async (pool) => {
      const status = statuses.find(({ name }) => name === pool.name)!;
      const found = inspectPool(pool);
      return [
        ...compareKinds(pool, status, found, inventory),
        ...checkFigures(pool, status, found),
        ...(await checkNotes(lab, found, ofPool(book, pool), inventory)),
      ].map((problem) => `${pool.name}: ${problem}`);
    }),
  );
  return problems.flat();
}

const ofPool = (book: Book, { name }: CrashPool): Book => ({
  volumes: book.volumes.filter(({ pool }) => pool === name),
  snapshots: book.snapshots.filter(({ pool }) => pool === name),
  groups: book.groups.filter(({ pool }) => pool === name),
});

/** Directory, ledger and listing must name the same objects. */
function compareKinds(pool: CrashPool, { id }: PoolStatus, found: Findings, inventory: Inventory): string[] {
  const sorted = (uuids: Iterable<string>): string => [...uuids].sort().join(' ');
  const listed = (ids: Iterable<string>): string =>
    sorted([...ids].filter((one) => one.startsWith(`${id}.`)).map(uuidOf));
  const rows = (kind: 'volume' | 'snapshot'): string =>
    sorted(found.rows.filter((row) => row.kind === kind).map(({ uuid }) => uuid));
  const problems: string[] = [];
  for (const kind of ['volume', 'snapshot'] as const) {
    const entries = sorted(found[`${kind}s`].keys());
    const listing = listed(inventory[`${kind}s`].keys());
    if (entries !== rows(kind)) problems.push(`${kind}s on the disk: ${entries}; in the ledger: ${rows(kind)}`);
    if (listing !== rows(kind)) problems.push(`${kind}s listed: ${listing}; in the ledger: ${rows(kind)}`);
  }
  if (pool.backend === 'btrfs') {
    for (const [uuid, { readOnly }] of found.snapshots)
      if (!readOnly) problems.push(`snapshot ${uuid} can be written to`);
  }
  return problems;
}

/** What the pool says of itself is the sum of what is there. */
function checkFigures(pool: CrashPool, status: PoolStatus, { rows, volumes, snapshots }: Findings): string[] {
  const problems: string[] = [];
  const expect = (what: string, found: unknown, expected: unknown): void => {
    if (found !== expected) problems.push(`${what} is ${found} instead of ${expected}`);
  };
  const charged = rows.reduce((sum, row) => sum + row.chargedBytes, 0n);
  expect('provisioned', status.provisionedBytes, charged);
  expect('count of volumes', status.volumes, volumes.size);
  expect('count of snapshots', status.snapshots, snapshots.size);
  const promised = status.totalBytes - status.reserveBytes - charged;
  const physical = status.freeBytes - status.reserveBytes;
  expect('available', status.availableBytes, pool.backend === 'image' && physical < promised ? physical : promised);
  for (const row of rows) {
    const entry = row.kind === 'volume' ? volumes.get(row.uuid) : snapshots.get(row.uuid);
    if (entry === undefined) continue; // told already
    if (row.kind === 'volume') {
      expect(`limit of ${row.uuid}`, entry.sizeBytes, row.sizeBytes);
      expect(`charge of ${row.uuid}`, row.chargedBytes, row.sizeBytes);
    } else if (entry.allocatedBytes !== undefined) {
      expect(`charge of snapshot ${row.uuid}`, row.chargedBytes, entry.allocatedBytes);
    }
  }
  return problems;
}

async function checkNotes(lab: CrashLab, found: Findings, book: Book, inventory: Inventory): Promise<string[]> {
  const problems: string[] = [];
  const checkCut = async (name: string, id: string, cut: Cut): Promise<void> => {
    const entry = found.snapshots.get(uuidOf(id));
    if (entry === undefined || !inventory.snapshots.has(id)) problems.push(`snapshot ${name} ${id} is lost`);
    else
      for (const wrong of await findWrongPieces(cut, { entry: entry.path, mountedAt: undefined }))
        problems.push(`snapshot ${name}: ${wrong}`);
  };
  for (const note of book.volumes.filter(isThere)) {
    const entry = found.volumes.get(uuidOf(note.id));
    if (entry === undefined || !inventory.volumes.has(note.id)) problems.push(`volume ${note.name} ${note.id} is lost`);
    else
      problems.push(
        ...(await checkVolume(lab, note, entry)).map((problem) => `volume ${note.name} ${note.id}: ${problem}`),
      );
  }
  for (const { existence, name, id } of [...book.volumes, ...book.snapshots]) {
    if (existence !== 'gone' || id === undefined) continue;
    if (inventory.volumes.has(id) || inventory.snapshots.has(id))
      problems.push(`${name} ${id} was deleted and is back`);
  }
  for (const note of book.snapshots.filter(isThere)) await checkCut(note.name, note.id, note);
  for (const note of book.groups.filter(isThere)) {
    for (const [source, id] of note.members) await checkCut(note.name, id, note.cuts.get(source)!);
  }
  return problems;
}

async function checkVolume(lab: CrashLab, note: VolumeNote, entry: Entry): Promise<string[]> {
  const problems: string[] = [];
  const { sizeBytes, allocatedBytes, loops } = entry;
  if (sizeBytes !== note.sizeBytes && sizeBytes !== note.askedBytes) {
    problems.push(`its limit is ${sizeBytes}, not ${note.sizeBytes} (asked for: ${note.askedBytes})`);
  }
  if (allocatedBytes !== undefined && !note.thin && allocatedBytes < sizeBytes!) {
    problems.push(`${allocatedBytes} of its ${sizeBytes} bytes are reserved`);
  }
  const staging = `${lab.paths.staging}/${note.name}`;
  const target = `${lab.paths.targets}/${note.name}`;
  const mounts = readMounts();
  const at = (path: string) => mounts.filter(({ mountPoint }) => mountPoint === path);
  const checkCount = (what: string, presence: Presence, count: number): void => {
    const fits = presence === 'yes' ? count === 1 : presence === 'no' ? count === 0 : count <= 1;
    if (!fits) problems.push(`${what}: ${presence}, found ${count}`);
  };
  const isBlock = note.content === 'block';
  checkCount('staged', isBlock ? 'no' : note.staged, at(staging).length);
  checkCount('published', note.published, at(target).length);
  if (allocatedBytes !== undefined) checkCount('attached', note.staged, loops.length);
  if (note.published === 'no' && existsSync(target)) problems.push('its target path is still there');
  if (note.published === 'yes' && at(target)[0]?.options.includes('ro') !== note.readOnly)
    problems.push('published rw instead of ro');
  for (const loop of loops) if (loop.sizeBytes !== sizeBytes) problems.push(`its device has ${loop.sizeBytes} bytes`);
  const inside = note.staged === 'yes' && note.filled ? filesystemBytes(note, staging, loops[0]?.device) : undefined;
  if (inside !== undefined && inside !== note.sizeBytes && inside !== note.askedBytes) {
    problems.push(`its file system has ${inside} of ${note.sizeBytes} bytes`);
  }
  const mountedAt = at(staging).length > 0 ? staging : undefined;
  for (const wrong of await findWrongPieces(note, { entry: entry.path, mountedAt })) problems.push(wrong);
  return problems;
}

/** What the file system in a mounted image spans; undefined where there is none. */
function filesystemBytes({ content }: VolumeNote, mountPoint: string, device: string | undefined): bigint | undefined {
  if (device === undefined) return undefined;
  if (content === 'ext4') return ext4Bytes(device);
  if (content !== 'btrfs') return undefined;
  const { bsize, blocks } = statfsSync(mountPoint, { bigint: true });
  return bsize * blocks;
}
