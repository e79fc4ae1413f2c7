import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attachedLoopNames, attachLoop, detachLoop } from '../../src/host/loop.ts';
import { mountFilesystem, unmount } from '../../src/host/mount.ts';
import { readMounts } from '../../src/host/mountinfo.ts';
import { run } from '../../src/host/run.ts';

export type LoopFilesystemType = 'btrfs' | 'ext4' | 'xfs';

/** A temporary folder in which loop devices, file systems and mounts can be made that go away with it. */
export interface LoopLab {
  /** Everything made through the lab, and every mount that tests make for themselves, lies beneath. */
  dir: string;
  /** A new empty folder beneath `dir`. */
  folder(name?: string): string;
  /** A loop device over a new sparse file; its file is in `file`. */
  device(sizeBytes: number): { path: string; file: string };
  /** A loop device over a file that exists. */
  attach(file: string): string;
  /** A new file system of its own, mounted; returns the mount point. */
  filesystem(type: LoopFilesystemType, sizeBytes: number, mkfsOptions?: readonly string[]): Promise<string>;
  /** Unmounts all beneath `dir`, detaches all loop devices over files beneath it, and removes it. */
  dispose(): void;
}

/** `parentDir` is the system's temporary folder unless given; with `directIo` the loop devices bypass the page cache. */
export function openLoopLab({ parentDir = tmpdir(), directIo = false } = {}): LoopLab {
  const dir = mkdtempSync(join(parentDir, 'berth-lab-'));
  let count = 0;
  const folder = (name = 'folder'): string => {
    const path = join(dir, `${name}-${++count}`);
    mkdirSync(path);
    return path;
  };
  const attach = (file: string): string => {
    const fd = openSync(file, 'r+');
    try {
      return attachLoop(fd, { name: file, readOnly: false, directIo });
    } finally {
      closeSync(fd);
    }
  };
  const device = (sizeBytes: number): { path: string; file: string } => {
    const file = join(dir, `disk-${++count}.img`);
    writeFileSync(file, '');
    truncateSync(file, sizeBytes);
    return { path: attach(file), file };
  };
  return {
    dir,
    folder,
    device,
    attach,
    async filesystem(type, sizeBytes, mkfsOptions = []) {
      const { path } = device(sizeBytes);
      await run(`mkfs.${type}`, ['-q', ...mkfsOptions, path], { timeoutMs: 60_000 });
      const target = folder(type);
      mountFilesystem(path, target, type, []);
      return target;
    },
    dispose() {
      // A device in use detaches itself with its last user. Later mounts may lie on earlier ones, so they go first.
      for (const loop of loopsBeneath(dir)) detachLoop(loop);
      for (const { mountPoint } of readMounts().reverse()) {
        if (mountPoint.startsWith(`${dir}/`)) unmount(mountPoint, 'detach');
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Paths of the loop devices over files beneath `dir`, the ones over files that are deleted included. */
export const loopsBeneath = (dir: string): string[] =>
  attachedLoopNames(`${dir}/`)
    .filter((name) => readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8').startsWith(`${dir}/`))
    .map((name) => `/dev/${name}`);
