import { spawnSync } from 'node:child_process';
import { add, CANNOT_RUN, type Counts, FAILED, NONE, PASSED, skip } from './counts.ts';

/** Name and arguments for the Node that runs this. */
const CHECKS: readonly (readonly [name: string, ...args: string[]])[] = [
  ['formatting and lint', 'node_modules/@biomejs/biome/bin/biome', 'check', '--diagnostic-level=warn', '.'],
  ['types', 'node_modules/typescript/bin/tsc', '--noEmit'],
  ['docs/errors.md is made from src/errors.ts', 'scripts/errors-doc.ts', '--check'],
  ["the chart's values schema is made from the config's", 'scripts/chart-schema.ts', '--check'],
  ['links in the documentation', 'scripts/checks/links.ts'],
  ['shell scripts parse', 'scripts/checks/shell.ts'],
  ['no names of machines or package registries', 'scripts/checks/machine-names.ts'],
];

const TIMEOUT_MS = 300_000;

/** Runs every check; each counts one. */
export function runStatic(): Counts {
  return CHECKS.map(([name, ...args]) => runCheck(name, args)).reduce(add, NONE);
}

function runCheck(name: string, args: readonly string[]): Counts {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    maxBuffer: 64 << 20,
  });
  const output = `${stdout}${stderr}${error?.message ?? ''}`.trim();
  if (status === CANNOT_RUN) return skip(name, output);
  if (status === 0) {
    console.log(`ok ${name}`);
    return PASSED;
  }
  console.log(`not ok ${name}\n${output}`);
  return FAILED;
}
