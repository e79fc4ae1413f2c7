import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Config, PoolConfig } from '../config/index.ts';
import { type Disk, type Disks, IMAGE_POOL_LABEL, poolLabel } from '../disks/index.ts';
import { BerthError } from '../errors.ts';
import type { PoolSpec } from './protocol.ts';

/** Resolves the config's selectors to what the thread opens. A disk is formatted only when it is proved empty right now. */
export async function findStorage(
  config: PoolConfig,
  { node }: Pick<Config, 'node'>,
  disks: Disks,
  { takeOver, expectedId }: Pick<PoolSpec, 'takeOver' | 'expectedId'>,
): Promise<PoolSpec> {
  const common = {
    name: config.name,
    class: config.class,
    backend: config.backend,
    nodeName: node.name,
    mountsDir: join(node.stateDir, 'pools'),
    reserve: config.reserve,
    overcommit: config.overcommit,
    shared: config.shared,
    quota: config.quota,
    defaultFilesystem: config.fsType,
    takeOver,
    expectedId,
  };
  if (config.directory !== undefined) return { ...common, storage: { kind: 'directory', path: config.directory } };
  const found = await Promise.all((config.disks ?? []).map((selector) => resolveOne(selector, disks)));
  const label = config.backend === 'btrfs' ? poolLabel(node.name, config.name) : IMAGE_POOL_LABEL;
  const devices = found.map((disk) => disk.path);
  const claims = found.map((disk) => disk.pool);
  const [claim] = claims;
  for (const disk of found) {
    if (claim === undefined || !disk.reasons.some(({ code }) => code === 'IDENTITY_DUPLICATE')) continue;
    throw new BerthError('POOL_DUPLICATE', { pool: claim.uuid, disks: tell(disk.reasons) });
  }
  if (claim !== undefined) {
    if (!claims.every((other) => isDeepStrictEqual(other?.uuid, claim.uuid))) {
      throw new BerthError('POOL_UNSUITABLE', { pool: config.name, problem: 'its disks do not belong together' });
    }
    refuseOthers(config, node.name, claim, takeOver);
    return {
      ...common,
      storage: { kind: 'disks', devices, filesystemUuid: claim.uuid, label, profile: config.profile },
    };
  }
  for (const disk of found) requireFree(config, disk, expectedId);
  for (const disk of found) await (await disks.recheck(disk)).close();
  return {
    ...common,
    storage: { kind: 'disks', devices, filesystemUuid: undefined, label, profile: config.profile },
  };
}

const UNREADABLE: readonly string[] = ['CONTENT_UNKNOWN', 'EDGE_UNREADABLE', 'DEVICE_NOT_RUNNING'];

/** A disk is made a pool of only when it is proved empty, and never in the place of a pool that was open here before. */
function requireFree(config: PoolConfig, disk: Disk, expectedId: string | undefined): void {
  const pool = config.name;
  if (expectedId !== undefined && disk.mounts.length > 0) {
    throw new BerthError('POOL_HELD', { pool, users: disk.mounts.join(', ') });
  }
  const unreadable = disk.reasons.filter(({ code }) => UNREADABLE.includes(code));
  if (unreadable.length > 0) throw new BerthError('POOL_DISK_FAILED', { pool, problem: tell(unreadable) });
  if (disk.verdict !== 'free') throw new BerthError('DISK_IN_USE', { id: disk.id, reasons: tell(disk.reasons) });
  if (expectedId !== undefined) {
    throw new BerthError('POOL_UNSUITABLE', {
      pool,
      problem: `${disk.path} is empty now, where pool ${expectedId} was; \`berth pool forget ${pool}\` if that is meant`,
    });
  }
}

const tell = (reasons: Disk['reasons']): string => reasons.map(({ message }) => message).join('; ');

/** A btrfs pool's label tells whose it is; an image pool's owner is in its ledger, which opening checks. */
function refuseOthers(config: PoolConfig, nodeName: string, claim: NonNullable<Disk['pool']>, takeOver: boolean): void {
  if (claim.node !== undefined && claim.node !== nodeName && !takeOver) {
    throw new BerthError('POOL_FOREIGN', { pool: config.name, owner: claim.node });
  }
}

async function resolveOne(selector: NonNullable<PoolConfig['disks']>[number], disks: Disks): Promise<Disk> {
  const found = await disks.resolve(selector);
  const [disk] = found;
  if (disk === undefined) throw new BerthError('DISK_NOT_FOUND', { id: describeSelector(selector) });
  if (found.length > 1) {
    throw new BerthError('DISK_AMBIGUOUS', {
      selector: describeSelector(selector),
      count: found.length,
      disks: found.map(({ path }) => path).join(', '),
    });
  }
  return disk;
}

const describeSelector = (selector: object): string =>
  Object.entries(selector)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
