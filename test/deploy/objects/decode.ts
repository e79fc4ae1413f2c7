import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { cached } from '../../helpers/cache.ts';
import { go } from '../../helpers/go.ts';

const SOURCES = ['main.go', 'go.mod', 'go.sum'].map((name) => join(import.meta.dirname, name));

/** The path of the program in main.go, built when these sources have not been built before. */
export function ensureDecoder(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of SOURCES) hash.update(readFileSync(file));
  const name = `kubernetes-objects-${hash.digest('hex').slice(0, 12)}-${process.arch}`;
  return cached(name, async (path) => {
    await go(['build', '-o', path, '.'], {}, import.meta.dirname);
  });
}

/** Decodes the objects of a YAML text; gives the kind and name of each. Rejects with everything that is wrong. */
export async function decodeStrictly(yaml: string): Promise<string[]> {
  const child = spawn(await ensureDecoder(), [], { stdio: 'pipe' });
  child.stdin.end(yaml);
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [status, objects, problems] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
  if (status !== 0) throw new Error(problems);
  return objects.trim().split('\n');
}
