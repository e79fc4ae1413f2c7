import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { add, CANNOT_RUN, type Counts, FAILED, NONE, PASSED, skip } from './counts.ts';

/**
 * Runs the scripts of `folder` (`*.sh`), one after the other. A script may report its steps as lines `ok NAME` and
 * `not ok NAME`, else it counts as one test, by its exit status.
 */
export async function runScripts(folder: string): Promise<Counts> {
  let counts = NONE;
  const scripts = globSync(`${folder}/*.sh`).sort();
  for (const script of scripts) counts = add(counts, await runScript(script));
  return scripts.length > 0 ? counts : skip(folder, 'there are no tests in it yet');
}

async function runScript(script: string): Promise<Counts> {
  console.log(`--- ${script}`);
  const child = spawn('bash', [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    console.log(line);
    lines.push(line);
  }
  const [status, signal] = (await exit) as [number | null, string | null];
  return countScript(script, lines, status ?? `ended by ${signal}`);
}

/** `end` is the exit status, or what else ended it. */
export function countScript(script: string, lines: readonly string[], end: number | string): Counts {
  if (end === CANNOT_RUN) return skip(script, lines.at(-1) ?? 'it gives no reason');
  const passed = lines.filter((line) => line.startsWith('ok ')).length;
  const failed = lines.filter((line) => line.startsWith('not ok ')).length;
  if (end !== 0 && failed === 0) {
    console.log(`not ok ${script}: ${typeof end === 'number' ? `exit status ${end}` : end}`);
    return { ...FAILED, passed };
  }
  return passed + failed === 0 ? PASSED : { passed, failed, skipped: 0 };
}
