import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attachLoop } from '../../../src/host/loop.ts';
import { unmount } from '../../../src/host/mount.ts';
import { readMounts } from '../../../src/host/mountinfo.ts';
import type { LoopLab } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';

/** A loop device whose file is served by a process: stopped, it hangs as a disk does; ended, it fails as a disk does. */
export interface StoppableDisk {
  readonly path: string;
  /** All reads and writes wait from now on. */
  hang(): void;
  answer(): void;
  /** All reads and writes fail from now on. */
  fail(): Promise<void>;
  /** The file is back, with all that was written to it, on a loop device of the same name where that is free. */
  repair(): Promise<void>;
  dispose(): void;
}

/** The server is ended with the thread that started it, so that nothing waits for it for ever. */
export async function openStoppableDisk(lab: LoopLab, sizeBytes: number): Promise<StoppableDisk> {
  const [behind, front] = [lab.folder('behind'), lab.folder('front')];
  writeFileSync(join(behind, 'disk.img'), '');
  truncateSync(join(behind, 'disk.img'), sizeBytes);
  let server = await serve(behind, front);
  const attach = (): string => {
    const fd = openSync(join(front, 'disk.img'), 'r+');
    try {
      return attachLoop(fd, { name: 'disk.img', readOnly: false, directIo: true });
    } finally {
      closeSync(fd);
    }
  };
  let path = attach();
  return {
    get path() {
      return path;
    },
    hang: () => void server.kill('SIGSTOP'),
    answer: () => void server.kill('SIGCONT'),
    fail: () => end(server),
    async repair() {
      unmount(front, 'detach');
      server = await serve(behind, front);
      path = attach();
    },
    dispose: () => void server.kill('SIGKILL'),
  };
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
