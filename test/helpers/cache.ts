import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What tests download or build once: `BERTH_CACHE`, or ~/.cache/berth. */
const folder = (): string => process.env['BERTH_CACHE'] ?? join(homedir(), '.cache', 'berth');

/**
 * The path of a cached thing, made by `make(path)` when it is not there. It appears whole or not at all, whoever else
 * makes it at the same time. The name holds the thing's version.
 */
export async function cached(name: string, make: (path: string) => Promise<void>): Promise<string> {
  const path = join(folder(), name);
  if (existsSync(path)) return path;
  mkdirSync(folder(), { recursive: true });
  const workDir = mkdtempSync(join(folder(), '.making-'));
  try {
    await make(join(workDir, name));
    renameSync(join(workDir, name), path);
    return path;
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}
