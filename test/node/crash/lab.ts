import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reflink, thawFilesystem } from '../../../src/host/files.ts';
import { errorCode } from '../../../src/host/libc.ts';
import { detachLoop } from '../../../src/host/loop.ts';
import { mountFilesystem, unmount } from '../../../src/host/mount.ts';
import { readMounts } from '../../../src/host/mountinfo.ts';
import { run } from '../../../src/host/run.ts';
import { type Daemon, startDaemon } from '../../helpers/daemon.ts';
import { loopsBeneath, openLoopLab } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';

export type PoolName = 'btrfs' | 'image-xfs' | 'image-ext4';

const DISK_BYTES = 6 * 2 ** 30;
const OUTER_BYTES = 40 * 2 ** 30;
const TOOL_LIMIT_MS = 60_000;
const DEATH_LIMIT_MS = 30_000;

export interface CrashPool {
  name: PoolName;
  backend: 'btrfs' | 'image';
  /** The pool's directory, while the daemon or its mounts are there. */
  dir(): string;
}

/** A folder with disks, the pools on them, and one daemon at a time that is killed again and again. */
export interface CrashLab {
  /** Where callers make their staging and target paths. */
  readonly paths: { staging: string; targets: string };
  readonly pools: readonly CrashPool[];
  /** Starts the daemon, and waits until its pools are ready. */
  start(): Promise<Daemon>;
  /** Makes the daemon that runs, or the next one, die at a step, such as `create.make:before:1`. */
  arm(seam: string): void;
  disarm(): void;
  /** Starts a daemon that must die at the armed step before its pools are ready. */
  startToDie(): Promise<void>;
  /** Takes a picture of all disks as they are at this moment; what is only in memory is not in it. */
  pictureDisks(): void;
  /** With no daemon running: everything is as if the machine had lost its power when the picture was taken. */
  cutPower(): Promise<void>;
  /** Mount points, of volumes only, and loop devices over their files that are still there. */
  leftovers(): string[];
  dispose(): Promise<void>;
}

interface Disk {
  name: PoolName;
  file: string;
  device: string;
  mountPoint: string;
}

/** `pictures`: the disks are files that can be copied in an instant, which `pictureDisks` needs. */
export async function openCrashLab(
  names: readonly PoolName[],
  options: { pictures?: boolean } = {},
): Promise<CrashLab> {
  const base = openLoopLab({ directIo: true });
  const dir = join(base.dir, 'daemon');
  const paths = { staging: join(base.dir, 'staging'), targets: join(base.dir, 'targets') };
  for (const path of Object.values(paths)) mkdirSync(path);
  const disksDir = options.pictures ? await base.filesystem('xfs', OUTER_BYTES) : base.folder('disks');
  const [outerLoop] = loopsBeneath(base.dir);
  const seamFile = join(base.dir, 'seam');
  const poolMounts = join(dir, 'state', 'pools');
  let daemon: Daemon | undefined;
  let compiled = false;

  const mountPool = ({ name, device, mountPoint }: Disk): void => {
    if (name !== 'btrfs') mountFilesystem(device, mountPoint, name.slice('image-'.length), []);
  };
  const makeDisk = async (name: PoolName): Promise<Disk> => {
    const file = join(disksDir, `${name}.img`);
    writeFileSync(file, '');
    truncateSync(file, DISK_BYTES);
    const disk = { name, file, device: base.attach(file), mountPoint: join(base.dir, name) };
    mkdirSync(disk.mountPoint);
    if (name !== 'btrfs')
      await run(`mkfs.${name.slice('image-'.length)}`, ['-q', disk.device], { timeoutMs: TOOL_LIMIT_MS });
    mountPool(disk);
    return disk;
  };
  const disks: Disk[] = [];
  try {
    for (const name of names) disks.push(await makeDisk(name));
  } catch (error) {
    base.dispose();
    throw error;
  }

  const launch = (): Promise<Daemon> =>
    startDaemon({
      dir,
      pools: disks.map(({ name, device, mountPoint }) => ({
        name,
        class: name,
        ...(name === 'btrfs'
          ? { backend: 'btrfs', disks: [{ path: device, allowLoop: true }] }
          : { backend: 'image', directory: join(mountPoint, 'pool') }),
      })),
      env: { BERTH_CRASH_AT: seamFile, NODE_COMPILE_CACHE: join(base.dir, 'compiled') },
    });
  const isVolumeMount = (mountPoint: string): boolean =>
    Object.values(paths).some((path) => mountPoint.startsWith(`${path}/`));
  const mountsBeneath = (): string[] =>
    readMounts()
      .map(({ mountPoint }) => mountPoint)
      .filter(
        (path) =>
          isVolumeMount(path) || path.startsWith(`${poolMounts}/`) || disks.some((disk) => disk.mountPoint === path),
      )
      .reverse();

  const lab: CrashLab = {
    paths,
    pools: names.map((name) => ({
      name,
      backend: name === 'btrfs' ? 'btrfs' : 'image',
      dir: () =>
        name === 'btrfs'
          ? readMounts().find(({ mountPoint }) => mountPoint.startsWith(`${poolMounts}/`))!.mountPoint
          : join(base.dir, name, 'pool'),
    })),
    async start() {
      // Node writes its cache of compiled code at an orderly end only.
      if (!compiled) await (await launch()).stop();
      compiled = true;
      const started = await launch();
      daemon = started;
      await until(
        () => `the pools are ready: ${started.log().slice(-4_000)}`,
        async () => (await started.admin.listPools()).every(({ state }) => state === 'ready'),
      );
      return started;
    },
    arm(seam) {
      writeFileSync(`${seamFile}.new`, seam);
      renameSync(`${seamFile}.new`, seamFile);
    },
    disarm: () => rmSync(seamFile, { force: true }),
    async startToDie() {
      daemon = await launch().catch(() => undefined); // it was quick to die
      if (daemon === undefined) return;
      const timer = setTimeout(() => void daemon?.stop('SIGTERM'), DEATH_LIMIT_MS);
      const how = await daemon.ended;
      clearTimeout(timer);
      if (how !== 'SIGKILL') throw new Error(`the daemon ended with ${how} instead of dying at its start`);
    },
    pictureDisks() {
      for (const { file } of disks) {
        const from = openSync(file, 'r');
        const to = openSync(`${file}.picture`, 'w');
        try {
          reflink(from, to);
        } finally {
          closeSync(from);
          closeSync(to);
        }
      }
    },
    async cutPower() {
      for (const path of mountsBeneath()) await unmountWhenFree(path);
      for (const loop of loopsBeneath(base.dir)) if (disks.some((disk) => disk.device === loop)) detachLoop(loop);
      for (const disk of disks) {
        renameSync(`${disk.file}.picture`, disk.file);
        disk.device = base.attach(disk.file);
        mountPool(disk);
      }
    },
    leftovers: () => [
      ...readMounts().flatMap(({ mountPoint }) => (isVolumeMount(mountPoint) ? [mountPoint] : [])),
      ...loopsBeneath(base.dir).filter((loop) => loop !== outerLoop && !disks.some(({ device }) => device === loop)),
    ],
    async dispose() {
      await daemon?.stop('SIGKILL');
      for (const path of mountsBeneath()) {
        thaw(path);
        unmount(path, 'detach');
      }
      base.dispose();
    },
  };
  return lab;
}

/** A frozen file system would never go away. */
function thaw(path: string): void {
  if (!statSync(path).isDirectory()) return;
  const fd = openSync(path, 'r');
  try {
    thawFilesystem(fd);
  } catch {
    // it was not frozen
  } finally {
    closeSync(fd);
  }
}

/** A tool that outlived the daemon may still have a file open. */
const unmountWhenFree = (path: string): Promise<void> =>
  until(`${path} can be unmounted`, () => {
    try {
      unmount(path);
      return true;
    } catch (error) {
      if (errorCode(error) === 'EBUSY') return false;
      throw error;
    }
  });
