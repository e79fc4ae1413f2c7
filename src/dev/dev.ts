import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { DevOptions } from '../cli/cli.ts';
import { type Config, parseConfig } from '../config/index.ts';
import { BerthError } from '../errors.ts';
import { errorCode } from '../host/libc.ts';
import { attachLoop, detachLoop, loopsOf } from '../host/loop.ts';
import { unmount } from '../host/mount.ts';
import { readMounts } from '../host/mountinfo.ts';
import { endUnlessClosed, startDaemon } from '../node/daemon.ts';
import { stopSignal } from '../rpc/stop-signal.ts';
import { callWithin } from '../volumes/call.ts';
import type { VolumeService } from '../volumes/index.ts';
import { welcome } from './welcome.ts';

const LOOK_EVERY_MS = 1_000;
const CALL_MS = 60_000;
const DEFAULT_SIZE_BYTES = 10n << 30n;
/** Marks a folder as one that dev mode made, so that `--clean` removes nothing else. */
const MARK = '.berth-dev';

/**
 * `berth dev`: one throwaway pool and the sockets, in one folder, with no config and no cluster. As root the pool is
 * btrfs on a file behind a loop device; else a plain directory without a size limit. Returns the exit code.
 */
export async function runDev(options: DevOptions): Promise<number> {
  const stop = stopSignal();
  const dir = options.dir === undefined ? mkdtempSync(join(tmpdir(), 'berth-dev-')) : resolve(options.dir);
  const madeAt = claimFolder(dir);
  if (options.clean) {
    removeFolder(dir);
    return 0;
  }
  const expired = expiry(options.ttlMs, madeAt);
  const device = canMakeBtrfs() ? attachPoolFile(dir, options.sizeBytes ?? DEFAULT_SIZE_BYTES) : undefined;
  try {
    const config = devConfig(dir, device, options);
    const daemon = await startDaemon(config, 'dev');
    try {
      const problems = await daemon.settled();
      await provideVolumes(daemon.service, options);
      const { httpPort, nfsPort } = daemon;
      const { volumes } = options;
      process.stdout.write(
        welcome({ config, dir, limited: device !== undefined, problems, httpPort, nfsPort: nfsPort!, volumes }),
      );
      await Promise.race([stop, expired.over]);
    } finally {
      process.stdout.write(`\n${expired.isOver() ? 'its time is over, ' : ''}stopping\n`);
      endUnlessClosed(await daemon.close());
    }
  } finally {
    leaveNothing(dir);
    if (options.dir === undefined || expired.isOver()) removeFolder(dir);
    expired.cancel();
  }
  return 0;
}

/** Root, and a kernel and a tool that know btrfs. */
function canMakeBtrfs(): boolean {
  return (
    process.geteuid?.() === 0 &&
    /\bbtrfs$/m.test(readFileSync('/proc/filesystems', 'utf8')) &&
    (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, 'mkfs.btrfs')))
  );
}

/**
 * A new or empty folder, or one that dev mode made before. Nothing of anybody else's is ever mixed with a pool. Returns
 * when it was made, in ms since 1970.
 */
function claimFolder(dir: string): number {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const entries = readdirSync(dir);
  if (entries.length > 0 && !entries.includes(MARK)) {
    throw new BerthError('POOL_UNSUITABLE', {
      pool: 'dev',
      problem: `${dir} is not empty and was not made by berth dev`,
    });
  }
  const fd = openSync(join(dir, MARK), 'a', 0o600);
  const { mtimeMs } = fstatSync(fd); // nobody ever writes to it
  closeSync(fd);
  return mtimeMs;
}

/** The end of the folder's time; without one it never comes. */
function expiry(ttlMs: number | undefined, madeAt: number) {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const isOver = (): boolean => ttlMs !== undefined && Date.now() >= madeAt + ttlMs;
  const look = (): void => (isOver() ? resolve() : undefined);
  // A timer for the whole of it could be too long for the clock, and would not see that the machine has slept.
  const timer = ttlMs === undefined ? undefined : setInterval(look, Math.min(LOOK_EVERY_MS, ttlMs));
  look();
  return { over, isOver, cancel: () => clearInterval(timer) };
}

/** Makes the volumes that are not there. */
async function provideVolumes(service: VolumeService, { volumes, sizeLimitBytes }: DevOptions): Promise<void> {
  for (const name of volumes) {
    if ((await service.findVolume(name, callWithin(CALL_MS))) !== undefined) continue;
    const [pool] = service.pools();
    const requiredBytes = sizeLimitBytes ?? (pool?.availableBytes ?? 0n) / BigInt(2 * volumes.length);
    await service.createVolume(
      {
        name,
        size: { requiredBytes, limitBytes: 0n },
        capabilities: [{ access: { kind: 'mount', fsType: '', mountOptions: [] }, mode: 'MULTI_NODE_MULTI_WRITER' }],
        parameters: { thin: false, nodatacow: false },
        ioLimits: {},
      },
      callWithin(CALL_MS),
    );
  }
}

/** The loop device of the pool's file; one that an earlier run left is used again. */
function attachPoolFile(dir: string, sizeBytes: bigint): string {
  const path = join(dir, 'pool.img');
  const isNew = !existsSync(path);
  const fd = openSync(path, isNew ? 'w+' : 'r+', 0o600);
  try {
    if (isNew) ftruncateSync(fd, Number(sizeBytes));
    const [attached] = loopsOf(fd, realpathSync(path));
    return attached?.path ?? attachLoop(fd, { name: path, readOnly: false, directIo: true });
  } finally {
    closeSync(fd);
  }
}

function devConfig(dir: string, device: string | undefined, { listen, allow }: DevOptions): Config {
  const pool =
    device === undefined
      ? { backend: 'directory', directory: join(dir, 'pool') }
      : { backend: 'btrfs', disks: [{ path: device, allowLoop: true }] };
  return parseConfig(
    JSON.stringify({
      node: { name: hostname(), stateDir: join(dir, 'state') },
      csi: { endpoint: `unix://${join(dir, 'csi.sock')}` },
      admin: { socket: join(dir, 'admin.sock') },
      http: { listen: '127.0.0.1:0' },
      log: { level: 'warn' },
      nfs: { ...(listen && { listen }), allow },
      pools: [{ name: 'dev', class: 'dev', shared: true, ...pool }],
    }),
    'berth dev',
    { mode: 'dev' },
  );
}

/** Unmounts the pool and its volumes, wherever they are mounted. */
function unmountVolumes(dir: string): void {
  const mounts = readMounts();
  const pools = new Set(
    mounts.filter(({ mountPoint }) => mountPoint.startsWith(`${dir}/`)).map(({ device }) => device),
  );
  for (const { mountPoint, device } of mounts.reverse()) {
    if (pools.has(device)) unmount(mountPoint, 'detach');
  }
}

/** Takes away the mounts and the loop device, also those that a killed run left. */
function leaveNothing(dir: string): void {
  unmountVolumes(dir);
  try {
    const path = realpathSync(join(dir, 'pool.img'));
    const fd = openSync(path, 'r');
    for (const loop of loopsOf(fd, path)) detachLoop(loop.path);
    closeSync(fd);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

function removeFolder(dir: string): void {
  leaveNothing(dir);
  rmSync(dir, { recursive: true, force: true });
}
