import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { thawFilesystem } from '../../../src/host/files.ts';
import { errorCode } from '../../../src/host/libc.ts';
import { detachLoop } from '../../../src/host/loop.ts';
import { unmount } from '../../../src/host/mount.ts';
import { readMounts } from '../../../src/host/mountinfo.ts';
import { type Daemon, type DaemonOptions, startDaemon } from '../../helpers/daemon.ts';
import { loopsBeneath, openLoopLab } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';
import { startToDie } from './death.ts';
import { type CrashDisks, makeDisks } from './disks.ts';

export type PoolName = 'btrfs' | 'image-xfs' | 'image-ext4';

const LOG_SHOWN = 4_000;

export interface CrashPool {
  name: PoolName;
  backend: 'btrfs' | 'image';
  /** The pool's directory, while its file system is mounted. */
  dir(): string;
}

/** A folder with disks, the pools on them, and one daemon at a time that is killed again and again. */
export interface CrashLab {
  /** Where callers make their staging and target paths. */
  readonly paths: { staging: string; targets: string };
  readonly pools: readonly CrashPool[];
  readonly disks: Pick<CrashDisks, 'takePictures'>;
  /** Starts the daemon, and waits until its pools are ready. */
  start(): Promise<Daemon>;
  /** Starts a daemon that must die at the armed step. */
  startToDie(): Promise<void>;
  /** Makes the daemon that runs, or the next one, die at a step, such as `create.make:before:1`. */
  arm(seam: string): void;
  disarm(): void;
  /** With no daemon running: the machine has lost its power at the moment of the pictures, and is on again. */
  cutPower(): Promise<void>;
  /** Mount points of volumes, and loop devices over their files, that are still there. */
  leftovers(): string[];
  dispose(): Promise<void>;
}

export async function openCrashLab(
  names: readonly PoolName[],
  options: { pictures?: boolean | undefined } = {},
): Promise<CrashLab> {
  // Over a file that shares blocks with a picture, direct I/O would make sectors of another size.
  const base = openLoopLab({ directIo: !options.pictures });
  const dir = join(base.dir, 'daemon');
  const paths = { staging: join(base.dir, 'staging'), targets: join(base.dir, 'targets') };
  for (const path of Object.values(paths)) mkdirSync(path);
  const seamFile = join(base.dir, 'seam');
  const poolMounts = join(dir, 'state', 'pools');
  let daemon: Daemon | undefined;
  let compiled = false;
  const disks = await makeDisks(base, names, options).catch((error) => {
    base.dispose();
    throw error;
  });

  const daemonOptions = (): DaemonOptions => ({
    dir,
    pools: disks.list.map(({ name, device, mountPoint }) => ({
      name,
      class: name,
      ...(mountPoint === undefined
        ? { backend: 'btrfs', disks: [{ path: device, allowLoop: true }] }
        : { backend: 'image', directory: join(mountPoint, 'pool') }),
    })),
    env: { BERTH_CRASH_AT: seamFile, NODE_COMPILE_CACHE: join(base.dir, 'compiled') },
  });
  const isVolumeMount = (path: string): boolean => Object.values(paths).some((parent) => path.startsWith(`${parent}/`));
  const isPoolMount = (path: string): boolean =>
    path.startsWith(`${poolMounts}/`) || disks.list.some(({ mountPoint }) => mountPoint === path);
  /** The latest first, since it may lie on an earlier one. */
  const mountsThat = (matches: (path: string) => boolean): string[] =>
    readMounts()
      .map(({ mountPoint }) => mountPoint)
      .filter(matches)
      .reverse();
  const volumeLoops = (): string[] => loopsBeneath(base.dir).filter((loop) => !disks.devices().includes(loop));

  return {
    paths,
    disks,
    pools: names.map((name) => ({
      name,
      backend: name === 'btrfs' ? 'btrfs' : 'image',
      dir: () =>
        name === 'btrfs' ? mountsThat((path) => path.startsWith(`${poolMounts}/`))[0]! : join(base.dir, name, 'pool'),
    })),
    async start() {
      // Node writes its cache of compiled code at an orderly end only.
      if (!compiled) await (await startDaemon(daemonOptions())).stop();
      compiled = true;
      const started = await startDaemon(daemonOptions());
      daemon = started;
      await until(
        () => `the pools are ready: ${started.log().slice(-LOG_SHOWN)}`,
        async () => (await started.admin.listPools()).every(({ state }) => state === 'ready'),
      );
      return started;
    },
    startToDie: () => startToDie(daemonOptions()),
    arm(seam) {
      writeFileSync(`${seamFile}.new`, seam);
      renameSync(`${seamFile}.new`, seamFile);
    },
    disarm: () => rmSync(seamFile, { force: true }),
    async cutPower() {
      for (const path of mountsThat(isVolumeMount)) {
        thaw(path);
        await unmountWhenFree(path);
      }
      for (const loop of volumeLoops()) detachLoop(loop);
      for (const path of mountsThat(isPoolMount)) await unmountWhenFree(path);
      disks.restorePictures();
    },
    leftovers: () => [...mountsThat(isVolumeMount), ...volumeLoops()],
    async dispose() {
      await daemon?.stop('SIGKILL');
      for (const path of mountsThat(isVolumeMount)) {
        thaw(path);
        unmount(path, 'detach');
      }
      base.dispose();
    },
  };
}

/** A file system that was left frozen would never go away. */
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
