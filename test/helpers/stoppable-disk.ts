import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { attachedLoopNames, attachLoop, detachLoop } from '../../src/host/loop.ts';
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

/** The server is ended with the thread that started it, so that nothing waits for it for ever. */
export async function openStoppableDisk(lab: LoopLab, sizeBytes: number): Promise<StoppableDisk> {
  const [behind, front] = [lab.folder('behind'), lab.folder('front')];
  writeFileSync(join(behind, 'disk.img'), '');
  truncateSync(join(behind, 'disk.img'), sizeBytes);
  let server = await serve(behind, front);
  const path = attach(join(front, 'disk.img'));
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
      await run('losetup', ['--direct-io=on', path, join(front, 'disk.img')], { timeoutMs: 10_000 });
    },
    dispose: () => void server.kill('SIGKILL'),
  };
}

function attach(file: string): string {
  const fd = openSync(file, 'r+');
  try {
    return attachLoop(fd, { name: file, readOnly: false, directIo: true });
  } finally {
    closeSync(fd);
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
