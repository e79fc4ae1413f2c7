import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { closeSync, openSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ioctl } from '../../src/host/ioctl.ts';
import { errorCode } from '../../src/host/libc.ts';
import { attachedLoopNames, detachLoop } from '../../src/host/loop.ts';
import { unmount } from '../../src/host/mount.ts';
import { readMounts } from '../../src/host/mountinfo.ts';
import { run } from '../../src/host/run.ts';
import type { LoopLab } from './loop.ts';
import { until } from './until.ts';

/** A loop device whose file is served by a process: stopped, it hangs as a disk does; ended, it fails as a disk does. */
export interface StoppableDisk {
  readonly path: string;
  /** All reads and writes wait from now on. */
  hang(): void;
  answer(): void;
  /** All reads and writes fail from now on. */
  fail(): Promise<void>;
  /** The same disk is back under the same name. Waits for its last user to let go of the one that failed. */
  repair(): Promise<void>;
  dispose(): void;
}

const CTL_REMOVE = 0x4c81; // include/uapi/linux/loop.h
const TOOL = { timeoutMs: 10_000 };

/**
 * The server is ended with the thread that started it, so that nothing waits for it for ever. The device's number is far
 * above those that the kernel gives out, so that nobody else gets it while it is free.
 */
export async function openStoppableDisk(lab: LoopLab, sizeBytes: number): Promise<StoppableDisk> {
  const [behind, front] = [lab.folder('behind'), lab.folder('front')];
  writeFileSync(join(behind, 'disk.img'), '');
  truncateSync(join(behind, 'disk.img'), sizeBytes);
  const number = randomInt(10_000, 100_000);
  const path = `/dev/loop${number}`;
  const attach = () => run('losetup', ['--direct-io=on', path, join(front, 'disk.img')], TOOL);
  let server = await serve(behind, front);
  await attach();
  return {
    path,
    hang: () => void server.kill('SIGSTOP'),
    answer: () => void server.kill('SIGCONT'),
    fail: () => end(server),
    async repair() {
      detachLoop(path);
      await until('the failed disk is free', () => !attachedLoopNames().includes(basename(path)));
      unmount(front, 'detach');
      server = await serve(behind, front);
      await attach();
    },
    dispose() {
      server.kill('SIGKILL');
      detachLoop(path);
      removeLoop(number);
    },
  };
}

/** One that somebody still has open stays. */
function removeLoop(number: number): void {
  const control = openSync('/dev/loop-control', 'r+');
  try {
    ioctl(control, CTL_REMOVE, number);
  } catch (error) {
    if (errorCode(error) !== 'EBUSY' && errorCode(error) !== 'ENODEV') throw error;
  } finally {
    closeSync(control);
  }
}

async function serve(behind: string, front: string): Promise<ChildProcess> {
  const server = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'bindfs', '-f', behind, front], { stdio: 'ignore' });
  await until('bindfs has mounted', () => readMounts().some(({ mountPoint }) => mountPoint === front));
  return server;
}

function end(server: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    server.on('exit', () => resolve());
    server.kill('SIGKILL');
  });
}
