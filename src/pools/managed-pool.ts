import type { Config, PoolConfig } from '../config/index.ts';
import type { Disks } from '../disks/index.ts';
import { BerthError, toBerthError } from '../errors.ts';
import { devicePresence } from '../host/device-presence.ts';
import type { Call, PoolState, PoolStatus } from '../volumes/model.ts';
import { type PoolActor, startActor } from './actor.ts';
import type { Log } from './core.ts';
import { findStorage } from './find-storage.ts';
import type { OperationArgs, OperationName, OperationResult } from './operations/index.ts';
import type { Opened } from './protocol.ts';
import { spawnPoolThread } from './spawn.ts';

/** What was open under a name of the config, kept over restarts. */
export interface KnownPools {
  idOf(name: string): string | undefined;
  remember(name: string, id: string): void;
  forget(name: string): void;
}

/** A pool of the config, over all its openings. */
export interface Pool {
  readonly config: PoolConfig;
  /** Known from the first opening on, also while the pool is away and after a restart. */
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

export interface PoolOptions {
  config: Pick<Config, 'node'>;
  disks: Disks;
  known: KnownPools;
  log: Log;
  /** A pool has opened: its names are for the index. */
  onOpened: (opened: Opened) => void;
}

/** Waits between attempts to open a pool that failed; the last goes on. */
const RETRY_MS = [250, 1_000, 5_000, 15_000, 30_000];

export interface ManagedPool {
  pool: Pool;
  opening: Promise<void>;
  open(options: { takeOver: boolean }): Promise<void>;
  look(): void;
  close(graceMs: number): Promise<'closed' | 'stuck'>;
}

/** Opens a pool of the config and keeps it open: finds its disks, and tries again when it fails or comes back. */
export function managePool(config: PoolConfig, options: PoolOptions): ManagedPool {
  const { disks, known, log, onOpened } = options;
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

  const knownId = (): string | undefined => known.idOf(config.name);
  const stateNow = (): PoolState => absence?.state ?? actor?.state ?? 'opening';
  const reasonNow = (): string | undefined => absence?.reason ?? actor?.reason;

  const unavailable = (reason: string): BerthError =>
    new BerthError('POOL_UNAVAILABLE', { pool: config.name, state: stateNow(), reason });

  const open = async ({ takeOver }: { takeOver: boolean }): Promise<void> => {
    if (takeOver && busy) throw unavailable('it is being opened just now; try again');
    if (busy || closing) return;
    busy = true;
    clearTimeout(retry);
    try {
      if (actor?.state === 'failed') absence ??= { state: 'failed', reason: actor.reason ?? 'its thread ended' };
      await actor?.close(1_000);
      const spec = await findStorage(config, options.config, disks, { takeOver, expectedId: knownId() });
      if (closing) return;
      const paths = spec.storage.kind === 'disks' ? spec.storage.devices : [];
      devices = new Map(paths.map((path) => [path, devicePresence(path)]));
      const started = startActor({ spec, spawn: spawnPoolThread, log, onChange });
      actor = started.actor;
      lastOpened = await started.opening;
      known.remember(config.name, lastOpened.id);
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
      return knownId();
    },
    get state() {
      return stateNow();
    },
    get opened() {
      return lastOpened;
    },
    availableBytes: () => (stateNow() === 'ready' ? (actor?.figures?.availableBytes ?? 0n) : 0n),
    status: () => ({
      id: knownId(),
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
        return Promise.reject(unavailable(reasonNow() ?? 'not open yet'));
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
