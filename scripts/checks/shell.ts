/** Every shell script is parsed by the shell that its first line names. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { trackedFiles } from './tracked-files.ts';

const SHEBANG = /^#!.*\b(sh|bash)\b/;

function shellOf(path: string): string | undefined {
  const start = Buffer.alloc(64);
  const fd = openSync(path, 'r');
  readSync(fd, start, 0, start.length, 0);
  closeSync(fd);
  return SHEBANG.exec(start.toString('latin1').split('\n')[0] ?? '')?.[1];
}

process.exitCode = 0;
for (const path of trackedFiles().filter((path) => existsSync(path))) {
  const shell = shellOf(path) ?? (path.endsWith('.sh') ? 'sh' : undefined);
  if (!shell) continue;
  const { status, stderr } = spawnSync(shell, ['-n', path], { encoding: 'utf8' });
  if (status === 0) continue;
  console.log(stderr.trim());
  process.exitCode = 1;
}
