import { closeSync, constants, existsSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '../errors.ts';
import { enableQuota, filesystemUuid, quotaStatus, setLabel } from '../host/btrfs.ts';
import { syncFilesystem, tryLock } from '../host/files.ts';
import { errorCode } from '../host/libc.ts';
import { mountFilesystem, unmount } from '../host/mount.ts';
import { mountHolding, readMounts } from '../host/mountinfo.ts';
import { mountsInAllNamespaces } from '../host/namespaces.ts';
import { run } from '../host/run.ts';
import type { BackendDriver } from './backend.ts';
import { createBtrfsBackend } from './backends/btrfs.ts';
import { sealFilesystem } from './backends/btrfs-seal.ts';
import { createDirectoryBackend } from './backends/directory.ts';
import { createImageBackend } from './backends/image.ts';
import { type Log, newUuid, type PoolCore } from './core.ts';
import { isAlive } from './failure.ts';
import { createGroupCommit } from './group-commit.ts';
import { startGuard } from './guard.ts';
import { ioLimitsProblem, startIoLimits } from './io-limits.ts';
import { foreignEntries, isPoolDirectory, type Layout, openLayout } from './layout.ts';
import { type Ledger, openLedger } from './ledger.ts';
import type { Opened, PoolSpec } from './protocol.ts';
import { reconcile } from './reconcile.ts';
import { createRoom } from './room.ts';
import type { Step } from './steps.ts';

const MKFS_TIME_LIMIT_MS = 10 * 60_000;
const BLKID_TIME_LIMIT_MS = 60_000;

type DiskStorage = PoolSpec['storage'] & { kind: 'disks' };

export interface OpenPool {
  core: PoolCore;
  opened: Opened;
  /** The pool's directory. */
  path: string;
  /** Closes the ledger and unmounts the pool; volumes that are mounted elsewhere stay so. Never throws. */
  close(): void;
}

interface Context {
  step: Step;
  log: Log;
  onFatal(error: unknown): void;
}

/** Opens a pool on its own thread: format if told so, mount, lock, stamp or check the owner, reconcile. */
export async function openPool(spec: PoolSpec, context: Context): Promise<OpenPool> {
  const { path, mounted, filesystemUuid } = await provideDirectory(spec, context.step);
  // A mount that was here before may be another daemon's: it is ours to unmount only once the lock is.
  let undo: (() => void)[] = mounted === 'now' ? [() => unmountPool(path)] : [];
  const close = (): void => {
    for (const act of undo.splice(0)) {
      try {
        act();
      } catch (error) {
        context.log('warn', 'closing the pool', { pool: spec.name, cause: String(error) });
      }
    }
  };
  const onFatal = (error: unknown): void => {
    close();
    context.onFatal(error);
  };
  try {
    refuseForeignContent(spec, path);
    const layout = openLayout(path);
    undo.unshift(() => layout.close());
    const lockFd = lockPool(spec, path);
    if (mounted === 'before') undo.push(() => unmountPool(path));
    undo = [() => closeSync(lockFd), ...undo];
    const ledger = openLedger(layout.ledgerPath, spec.name);
    undo.unshift(() => ledger.close());
    const id = stamp(spec, ledger, layout, { newId: filesystemUuid ?? newUuid(), step: context.step });
    const backend = createBackend(spec, path, layout);
    undo.unshift(sealPool(spec, layout, context.log));
    const core: PoolCore = {
      id,
      spec,
      ledger,
      backend,
      layout,
      room: createRoom(path, spec, ledger, { shared: spec.storage.kind === 'directory' || spec.backend === 'image' }),
      step: context.step,
      log: context.log,
      now: Date.now,
      newUuid,
      jobs: new Map(),
      busy: new Map(),
      unlimited: new Map(),
      ...createGroupCommit(ledger, () => syncFilesystem(layout.rootFd), onFatal),
    };
    const findings = await reconcile(core);
    undo.unshift(startGuard(core), startIoLimits(core));
    return {
      core,
      opened: {
        id,
        storage: spec.storage.kind === 'disks' ? spec.storage.devices : [path],
        names: ledger.names(),
        limitsEnforced: backend.limitsEnforced,
        snapshotKind: backend.snapshotKind,
        blockVolumes: backend.blockVolumes,
        shared: spec.shared,
        ioLimitsProblem: ioLimitsProblem(backend),
        filesystems: [...backend.filesystems],
        defaultFilesystem: backend.defaultFilesystem,
        granularityBytes: backend.granularityBytes,
        minimumBytes: Object.fromEntries(
          [...backend.filesystems, ...(backend.blockVolumes ? (['block'] as const) : [])].map((content) => [
            content,
            backend.minimumBytes(content),
          ]),
        ),
        ...findings,
      },
      path,
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** The pool's directory: given, or the mount point of its disks. */
async function provideDirectory(
  spec: PoolSpec,
  step: Step,
): Promise<{ path: string; mounted: 'now' | 'before' | 'never'; filesystemUuid?: string }> {
  const { storage } = spec;
  if (storage.kind === 'directory') {
    mkdirSync(storage.path, { recursive: true, mode: 0o700 });
    return { path: storage.path, mounted: 'never' };
  }
  const filesystemUuid = storage.filesystemUuid ?? (await step('adopt.format', () => makeFilesystem(spec, storage)));
  const target = join(spec.mountsDir, filesystemUuid);
  if (readMounts().some((mount) => mount.mountPoint === target)) {
    if (isAlive(target)) return { path: target, mounted: 'before', filesystemUuid };
    unmount(target, 'detach'); // one that gave up is of no use to anybody
  }
  mkdirSync(target, { recursive: true, mode: 0o700 });
  step('adopt.mount', () => mountDisks(spec, { ...storage, filesystemUuid }, target));
  return { path: target, mounted: 'now', filesystemUuid };
}

/** As long as anybody has a file system that gave up, the kernel has no other of it. Throws POOL_HELD then. */
function mountDisks(spec: PoolSpec, storage: DiskStorage, target: string): void {
  const [type, options] =
    spec.backend === 'btrfs' ? ['btrfs', storage.devices.map((device) => `device=${device}`)] : ['xfs', []];
  try {
    mountFilesystem(storage.devices[0]!, target, type, options);
    if (isAlive(target)) return;
    unmount(target, 'detach');
  } catch (error) {
    if (usersOf(storage).length === 0) throw error;
  }
  throw new BerthError('POOL_HELD', { pool: spec.name, users: usersOf(storage).join(', ') || 'by attached volumes' });
}

/** Where the file system is mounted on this machine, by whatever name the kernel has for its disks. */
function usersOf({ devices, filesystemUuid }: DiskStorage): string[] {
  const members = `/sys/fs/btrfs/${filesystemUuid}/devices`;
  const names = existsSync(members) ? readdirSync(members).map((name) => `/dev/${name}`) : [];
  const mounts = mountsInAllNamespaces().filter(({ source }) => devices.includes(source) || names.includes(source));
  return [...new Set(mounts.map(({ mountPoint }) => mountPoint))].slice(0, 5);
}

/**
 * mkfs without force: the tool itself refuses a disk that has come to hold something since it was chosen. It chooses the
 * UUID: given one, mkfs.btrfs would look for it on every disk of the machine, and wait for one that hangs.
 */
async function makeFilesystem(spec: PoolSpec, storage: DiskStorage): Promise<string> {
  const [file, args] =
    spec.backend === 'btrfs'
      ? (['mkfs.btrfs', ['-q', '-L', storage.label, ...profileArgs(storage)]] as const)
      : (['mkfs.xfs', ['-q', '-m', 'reflink=1', '-L', storage.label]] as const);
  await run(file, [...args, ...storage.devices], { timeoutMs: MKFS_TIME_LIMIT_MS });
  const ask = ['-p', '-o', 'value', '-s', 'UUID', storage.devices[0]!];
  return (await run('blkid', ask, { timeoutMs: BLKID_TIME_LIMIT_MS })).stdout.trim();
}

/** Several disks: data as configured, metadata always on two. */
const profileArgs = ({ devices, profile }: { devices: string[]; profile: string }): string[] =>
  devices.length > 1 ? ['-d', profile, '-m', profile === 'raid10' ? 'raid10' : 'raid1'] : [];

function unmountPool(path: string): void {
  try {
    unmount(path);
  } catch (error) {
    // A process in it, or a disk that is gone: out of sight now, and truly gone with its last user.
    if (errorCode(error) === 'EBUSY' || errorCode(error) === 'EIO') unmount(path, 'detach');
    else throw error;
  }
}

/** A directory that is not ours must be empty: nothing of somebody else's is ever mixed with a pool. */
function refuseForeignContent(spec: PoolSpec, path: string): void {
  if (isPoolDirectory(path)) return;
  if (spec.expectedId !== undefined) throw notAsBefore(spec, 'no pool');
  const found = foreignEntries(path);
  if (found.length > 0) {
    throw new BerthError('POOL_UNSUITABLE', {
      pool: spec.name,
      problem: `${path} is not empty (${found.slice(0, 3).join(', ')}) and holds no pool`,
    });
  }
}

const notAsBefore = (spec: PoolSpec, found: string): BerthError =>
  new BerthError('POOL_UNSUITABLE', {
    pool: spec.name,
    problem: `${found} is there now, where pool ${spec.expectedId} was; \`berth pool forget ${spec.name}\` if that is meant`,
  });

/** The lock goes with the process, so a second daemon is kept out and a dead one is not in the way. */
function lockPool(spec: PoolSpec, path: string): number {
  const fd = openSync(join(path, '.berth', 'lock'), constants.O_CREAT | constants.O_RDWR, 0o600);
  if (tryLock(fd)) return fd;
  closeSync(fd);
  throw new BerthError('POOL_UNSUITABLE', { pool: spec.name, problem: `another daemon has ${path} open` });
}

/** Writes the owner on a new pool; on one that exists, checks that it is this node's. Returns the pool's id. */
function stamp(spec: PoolSpec, ledger: Ledger, layout: Layout, { newId, step }: { newId: string; step: Step }): string {
  const found = ledger.meta('pool');
  const owner = ledger.meta('owner');
  if (
    owner === undefined &&
    (['volumes', 'snapshots', 'staging', 'trash'] as const).some((folder) => layout.entries(folder).length > 0)
  ) {
    throw new BerthError('LEDGER_DAMAGED', { pool: spec.name, problem: 'it is empty, and there are volumes' });
  }
  if (spec.expectedId !== undefined && found !== spec.expectedId) {
    throw notAsBefore(spec, found === undefined ? 'an empty ledger' : `pool ${found}`);
  }
  const backend = ledger.meta('backend');
  if (backend !== undefined && backend !== spec.backend) {
    throw new BerthError('POOL_UNSUITABLE', {
      pool: spec.name,
      problem: `it was made with backend ${backend}, the config says ${spec.backend}`,
    });
  }
  if (owner !== undefined && owner !== spec.nodeName && !spec.takeOver) {
    throw new BerthError('POOL_FOREIGN', { pool: spec.name, owner });
  }
  const id = found ?? newId;
  // An import that was cut short may have changed the ledger and not the label.
  if (owner !== spec.nodeName || spec.takeOver) {
    step('adopt.stamp', () => {
      ledger.setMeta('pool', id);
      ledger.setMeta('owner', spec.nodeName);
      ledger.setMeta('backend', spec.backend);
      ledger.commit();
      if (spec.storage.kind === 'disks') setLabel(layout.rootFd, spec.storage.label);
      syncFilesystem(layout.rootFd);
    });
  }
  return id;
}

function createBackend(spec: PoolSpec, path: string, layout: Layout): BackendDriver {
  if (spec.backend === 'directory') return createDirectoryBackend({ poolDirPath: path });
  if (spec.backend === 'image') {
    return createImageBackend({
      poolDirPath: path,
      poolDirFd: layout.rootFd,
      defaultFilesystem: spec.defaultFilesystem,
    });
  }
  const mount = mountHolding(path, readMounts());
  if (mount.fsType !== 'btrfs') {
    throw new BerthError('POOL_UNSUITABLE', { pool: spec.name, problem: `${path} is on ${mount.fsType}, not btrfs` });
  }
  const quota = quotaStatus(layout.rootFd);
  if (quota === undefined) enableQuota(layout.rootFd, spec.quota);
  const inside = path.slice(mount.mountPoint.length);
  const prefix = [mount.root, inside].map((part) => part.replace(/^\/+|\/+$/g, '')).filter((part) => part !== '');
  return createBtrfsBackend(layout.rootFd, mount.device, prefix.map((part) => `/${part}`).join(''));
}

/** Only a file system of our own is sealed: on another one subvolumes are nothing that Berth could forbid. */
function sealPool(spec: PoolSpec, layout: Layout, log: Log): () => void {
  if (spec.backend !== 'btrfs' || spec.storage.kind !== 'disks') return () => {};
  try {
    const seal = sealFilesystem(filesystemUuid(layout.rootFd), layout.place('staging', 'seal-probe'));
    log('info', 'the kernel forbids subvolumes inside volumes', { pool: spec.name, pinned: seal.pinned });
    return seal.close;
  } catch (error) {
    const message = 'the kernel cannot forbid subvolumes inside volumes; they are limited within a second';
    log('info', message, { pool: spec.name, cause: (error as Error).message });
    return () => {};
  }
}
