import { spawnSync } from 'node:child_process';

/** Exit status of a check that cannot run here (test/tiers/counts.ts). */
const CANNOT_RUN = 77;

/** The paths of all files that are or would be committed. Ends the process where there is no git checkout. */
export function trackedFiles(): string[] {
  const { status, stdout } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (status !== 0) {
    console.log('this is not a git checkout');
    process.exit(CANNOT_RUN);
  }
  return stdout.split('\0').filter((path) => path !== '');
}
