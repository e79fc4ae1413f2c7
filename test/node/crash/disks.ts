import { closeSync, mkdirSync, openSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reflink } from '../../../src/host/files.ts';
import { detachLoop } from '../../../src/host/loop.ts';
import { mountFilesystem } from '../../../src/host/mount.ts';
import { run } from '../../../src/host/run.ts';
import { type LoopLab, loopsBeneath } from '../../helpers/loop.ts';
import type { PoolName } from './lab.ts';

const DISK_BYTES = 6 * 2 ** 30;
const OUTER_BYTES = 40 * 2 ** 30;
const TOOL_LIMIT_MS = 60_000;

/** The disks of a lab: loop devices over files. */
export interface CrashDisks {
  readonly list: readonly CrashDisk[];
  /** Loop devices that the lab itself needs. */
  devices(): string[];
  /**
   * Keeps all disks as they are at this moment: what was only in memory is not in it. Needs files that can be copied in
   * an instant (`pictures`).
   */
  takePictures(): void;
  /** Puts the pictures in place of the disks, which nobody may use, and mounts what was mounted. */
  restorePictures(): void;
}

export interface CrashDisk {
  name: PoolName;
  device: string;
  /** Where the file system of an image pool is mounted; a btrfs pool is mounted by the daemon. */
  mountPoint: string | undefined;
}

export async function makeDisks(
  base: LoopLab,
  names: readonly PoolName[],
  { pictures = false }: { pictures?: boolean | undefined },
): Promise<CrashDisks> {
  const folder = pictures ? await base.filesystem('xfs', OUTER_BYTES) : base.folder('disks');
  const outer = loopsBeneath(base.dir);
  const fileOf = (name: PoolName): string => join(folder, `${name}.img`);
  const list: CrashDisk[] = [];
  const mount = ({ name, device, mountPoint }: CrashDisk): void => {
    if (mountPoint !== undefined) mountFilesystem(device, mountPoint, filesystemOf(name), []);
  };

  for (const name of names) {
    writeFileSync(fileOf(name), '');
    truncateSync(fileOf(name), DISK_BYTES);
    const mountPoint = name === 'btrfs' ? undefined : join(base.dir, name);
    const disk = { name, device: base.attach(fileOf(name)), mountPoint };
    list.push(disk);
    if (mountPoint === undefined) continue;
    mkdirSync(mountPoint);
    await run(`mkfs.${filesystemOf(name)}`, ['-q', disk.device], { timeoutMs: TOOL_LIMIT_MS });
    mount(disk);
  }
  return {
    list,
    devices: () => [...outer, ...list.map(({ device }) => device)],
    takePictures() {
      for (const { name } of list) copyAtOnce(fileOf(name), `${fileOf(name)}.picture`);
    },
    restorePictures() {
      for (const disk of list) detachLoop(disk.device);
      for (const disk of list) {
        renameSync(`${fileOf(disk.name)}.picture`, fileOf(disk.name));
        disk.device = base.attach(fileOf(disk.name));
        mount(disk);
      }
    },
  };
}

const filesystemOf = (name: PoolName): string => name.slice('image-'.length);

function copyAtOnce(file: string, target: string): void {
  const from = openSync(file, 'r');
  const to = openSync(target, 'w');
  try {
    reflink(from, to);
  } finally {
    closeSync(from);
    closeSync(to);
  }
}
