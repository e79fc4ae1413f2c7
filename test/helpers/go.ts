import { execFile } from 'node:child_process';
import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const BUILD_TIMEOUT_MS = 900_000;

/** Runs Go's tool and gives its standard output. */
export async function go(args: readonly string[], env: Record<string, string> = {}, cwd?: string): Promise<string> {
  const { stdout } = await promisify(execFile)('go', args, {
    env: { ...process.env, ...env },
    timeout: BUILD_TIMEOUT_MS,
    maxBuffer: 64 << 20,
    ...(cwd === undefined ? {} : { cwd }),
  });
  return stdout;
}

/** Builds the command of a published module (`module/cmd/name@version`) at `path`. */
export async function installCommand(command: string, path: string): Promise<void> {
  await go(['install', command], { GOBIN: dirname(path) });
  await rename(join(dirname(path), basename(command).split('@')[0]!), path);
}
