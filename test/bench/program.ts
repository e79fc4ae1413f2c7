import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/host/run.ts';
import type { Bench } from './bench.ts';
import { openLab } from './bench.ts';
import type { Program } from './berth.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What `npm run build` makes, of Berth or of another program, in a folder of its own, run as the image runs it. */
export async function buildBundle(bench: Bench, entry = 'src/main.ts'): Promise<Program> {
  const dir = openLab(bench).folder('dist');
  await run(process.execPath, [join(ROOT, 'scripts/build.ts'), dir, entry], { timeoutMs: 60_000 });
  const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
  return { file: join(dir, 'berth.mjs'), nodeOptions: /^ENV NODE_OPTIONS="?([^"\n]*)"?$/m.exec(dockerfile)?.[1] ?? '' };
}
