import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Config, PoolConfig } from '../config/index.ts';
import { type Disk, type Disks, IMAGE_POOL_LABEL, poolLabel } from '../disks/index.ts';
import { BerthError, toBerthError } from '../errors.ts';
import { devicePresence } from '../host/device-presence.ts';
import type { Call, PoolState, PoolStatus } from '../volumes/model.ts';
import { type PoolActor, startActor } from './actor.ts';
import type { Log } from './core.ts';
import type { OperationArgs, OperationName, OperationResult } from './operations/index.ts';
import type { Opened, PoolSpec } from './protocol.ts';
import { spawnPoolThread } from './spawn.ts';

/** A pool of the config, over all its openings. */
export interface Pool {
  readonly config: PoolConfig;
  /** Known from the first opening on, also while the pool is away. */
  readonly id: string | undefined;
  readonly state: PoolState;
  readonly opened: Opened | undefined;
  availableBytes(): bigint;
  status(): PoolStatus;
  call<N extends OperationName>(
    operation: N,
    args: OperationArgs<N>,
    call: Pick<Call, 'deadline'>,
  ): Promise<OperationResult<N>>;
}

export interface PoolManager {
  readonly pools: readonly Pool[];
  /** Opens a pool that was foreign, taking it over from its owner. */
  takeOver(name: string): Promise<void>;
  /** Adds and opens a pool that the config does not have; disks have been chosen by a person. */
  add(config: PoolConfig): Promise<void>;
  /** Looks again at the disks of pools that are lost, and for disks of pools that are gone. */
  rescan(): void;
  /** Resolves when every pool of the config has been opened or has failed to once. */
  settled(): Promise<void>;
  close(graceMs: number): Promise<'closed' | 'stuck'>;
}

export interface ManagerOptions {
  config: Pick<Config, 'node'>;
  pools: readonly PoolConfig[];
  disks: Disks;
  log: Log;
  /** A pool has opened: its names are for the index. */
  onOpened: (opened: Opened) => void;
}

/** Waits between attempts to open a pool that failed; the last goes on. */
const RETRY_MS = [250, 1_000, 5_000, 15_000, 30_000];

/** Opens every pool of the config and keeps it open: finds its disks, and tries again when it fails or comes back. */
export function managePools(options: ManagerOptions): PoolManager {
  const pools = options.pools.map((config) => managePool(config, options));
  return {
    get pools() {
      return pools.map((managed) => managed.pool);
    },
    async takeOver(name) {
      const managed = pools.find(({ pool }) => pool.config.name === name || pool.id === name);
      if (managed === undefined) throw new BerthError('POOL_UNKNOWN', { pool: name });
      await managed.open({ takeOver: true });
    },
    async add(config) {
      const managed = managePool(config, options);
      pools.push(managed);
      await managed.opening;
    },
    rescan() {
      for (const managed of pools) managed.look();
    },
    async settled() {
      await Promise.all(pools.map((managed) => managed.opening));
    },
    async close(graceMs) {
      const outcomes = await Promise.all(pools.map((managed) => managed.close(graceMs)));
      return outcomes.includes('stuck') ? 'stuck' : 'closed';
    },
  };
}

interface ManagedPool {
  pool: Pool;
  opening: Promise<void>;
  open(options: { takeOver: boolean }): Promise<void>;
  look(): void;
  close(graceMs: number): Promise<'closed' | 'stuck'>;
}

function managePool(config: PoolConfig, options: ManagerOptions): ManagedPool {
  const { disks, log, onOpened } = options;
  let actor: PoolActor | undefined;
  let lastOpened: Opened | undefined;
  /** Why the pool is not open; stands until it is. */
  let absence: { state: PoolState; reason: string } | undefined;
  /** The pool's disks as they were when it was opened. */
  let devices = new Map<string, string | undefined>();
  let attempts = 0;
  let retry: NodeJS.Timeout | undefined;
  let busy = false;
  let closing = false;

  const stateNow = (): PoolState => absence?.state ?? actor?.state ?? 'opening';
  const reasonNow = (): string | undefined => absence?.reason ?? actor?.reason;

  const open = async ({ takeOver }: { takeOver: boolean }): Promise<void> => {
    if (busy || closing) return;
    busy = true;
    clearTimeout(retry);
    try {
      if (actor?.state === 'failed') absence ??= { state: 'failed', reason: actor.reason ?? 'its thread ended' };
      await actor?.close(1_000);
      const spec = await describePool(config, options.config, disks, { takeOver, expectedId: lastOpened?.id });
      if (closing) return;
      const paths = spec.storage.kind === 'disks' ? spec.storage.devices : [];
      devices = new Map(paths.map((path) => [path, devicePresence(path)]));
      const started = startActor({ spec, spawn: spawnPoolThread, log, onChange });
      actor = started.actor;
      lastOpened = await started.opening;
      absence = undefined;
      attempts = 0;
      log('info', 'pool is ready', { pool: config.name, id: lastOpened.id, volumes: actor.figures?.volumes });
      for (const orphan of lastOpened.orphans)
        log('warn', 'the ledger does not know this; it is left alone', { pool: config.name, orphan });
      for (const uuid of lastOpened.missing) log('error', 'a volume is not on the disk', { pool: config.name, uuid });
      onOpened(lastOpened);
    } catch (thrown) {
      const error = toBerthError(thrown);
      const isNews = absence?.reason !== error.message;
      absence = { state: stateAfter(error), reason: error.message };
      if (isNews)
        log('error', 'pool cannot be opened', {
          pool: config.name,
          code: error.code,
          reason: error.message,
          cause: String(error.cause ?? ''),
        });
      if (takeOver) throw error;
    } finally {
      busy = false;
      scheduleRetry();
    }
  };

  const scheduleRetry = (): void => {
    if (closing || busy || (stateNow() !== 'failed' && stateNow() !== 'lost')) return;
    clearTimeout(retry);
    retry = setTimeout(() => void open({ takeOver: false }), RETRY_MS[Math.min(attempts++, RETRY_MS.length - 1)]);
    retry.unref();
  };

  function onChange(): void {
    if (actor?.state === 'failed') scheduleRetry();
  }

  /** After a disk came or went. */
  const look = (): void => {
    if (config.disks === undefined || busy || closing) return;
    const state = stateNow();
    if (state === 'lost' || state === 'failed') void open({ takeOver: false });
    else if (state === 'ready' || state === 'unhealthy') checkPresence();
  };
  const checkPresence = (): void => {
    const gone = Array.from(devices).find(([path, presence]) => devicePresence(path) !== presence)?.[0];
    if (gone === undefined) return;
    absence = { state: 'lost', reason: `disk ${gone} is gone` };
    log('error', 'the pool has lost a disk', { pool: config.name, disk: gone });
    void actor?.close(1_000);
    scheduleRetry();
  };

  const pool: Pool = {
    config,
    get id() {
      return lastOpened?.id;
    },
    get state() {
      return stateNow();
    },
    get opened() {
      return lastOpened;
    },
    availableBytes: () => (stateNow() === 'ready' ? (actor?.figures?.availableBytes ?? 0n) : 0n),
    status: () => ({
      id: lastOpened?.id,
      name: config.name,
      class: config.class,
      backend: config.backend,
      state: stateNow(),
      reason: reasonNow(),
      storage: lastOpened?.storage ?? (config.directory === undefined ? [] : [config.directory]),
      totalBytes: actor?.figures?.totalBytes ?? 0n,
      availableBytes: actor?.figures?.availableBytes ?? 0n,
      provisionedBytes: actor?.figures?.provisionedBytes ?? 0n,
      reserveBytes: actor?.figures?.reserveBytes ?? 0n,
      freeBytes: actor?.figures?.freeBytes ?? 0n,
      volumes: actor?.figures?.volumes ?? 0,
      snapshots: actor?.figures?.snapshots ?? 0,
      limitsEnforced: lastOpened?.limitsEnforced ?? true,
      snapshotKind: lastOpened?.snapshotKind ?? 'none',
      blockVolumes: lastOpened?.blockVolumes ?? false,
      filesystems: lastOpened?.filesystems ?? [],
    }),
    call(operation, args, call) {
      if (actor === undefined || absence !== undefined) {
        return Promise.reject(
          new BerthError('POOL_UNAVAILABLE', {
            pool: config.name,
            state: stateNow(),
            reason: reasonNow() ?? 'not open yet',
          }),
        );
      }
      return actor.call(operation, args, call);
    },
  };

  return {
    pool,
    opening: open({ takeOver: false }),
    open,
    look,
    async close(graceMs) {
      closing = true;
      clearTimeout(retry);
      return actor === undefined ? 'closed' : actor.close(graceMs);
    },
  };
}

function stateAfter({ code }: BerthError): PoolState {
  if (code === 'DISK_NOT_FOUND') return 'lost';
  return code === 'POOL_FOREIGN' ? 'foreign' : 'failed';
}

/** Resolves the config's selectors to what the thread opens. A disk is formatted only when it is proved empty right now. */
async function describePool(
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
      storage: { kind: 'disks', devices, filesystemUuid: claim.uuid, label, format: false, profile: config.profile },
    };
  }
  for (const disk of found) requireFree(config, disk, expectedId);
  for (const disk of found) await (await disks.recheck(disk)).close();
  return {
    ...common,
    storage: { kind: 'disks', devices, filesystemUuid: randomUUID(), label, format: true, profile: config.profile },
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
      problem: `${disk.path} is empty now, where pool ${expectedId} was`,
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
