/**
 * npm run bench -- [--quick] [--dir FOLDER] [PART...]
 * Measures Berth against its baselines on loop devices over files in FOLDER (default: the system's temporary folder), and
 * prints one table. docs/performance.md says what the parts are and what bounds them. Needs root.
 */
import { setPriority } from 'node:os';
import { parseArgs } from 'node:util';
import { type Bench, openBench } from './bench.ts';
import type { Program } from './berth.ts';
import { measureCreate } from './create.ts';
import { describeMachine } from './machine.ts';
import { measureMany } from './many.ts';
import { buildBundle } from './program.ts';
import { formatTable, type Row } from './row.ts';

type Part = (bench: Bench, program: Program) => Promise<Row[]>;

const parts: Record<string, Part> = {
  create: measureCreate,
  many: measureMany,
};

/** So that what else runs on the machine weighs less; measured and baselines get it alike. */
const PRIORITY = -10;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, dir: { type: 'string' } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !Object.hasOwn(parts, name));
  if (unknown.length > 0) return fail(`unknown: ${unknown.join(' ')}; parts are ${Object.keys(parts).join(' ')}`);
  if (process.getuid?.() !== 0) return fail('needs root: loop devices, mounts');
  setPriority(PRIORITY);

  const common = openBench({ quick: values.quick, parentDir: values.dir });
  const stop = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => reject(new Error(signal)));
  });
  stop.catch(() => {});
  const rows: Row[] = [];
  try {
    const program = await buildBundle(common);
    for (const [name, measure] of Object.entries(parts)) {
      if (positionals.length > 0 && !positionals.includes(name)) continue;
      const bench = openBench({ quick: values.quick, parentDir: values.dir });
      try {
        rows.push(...(await Promise.race([measure(bench, program), stop])));
      } finally {
        await bench.close();
      }
    }
  } finally {
    await common.close();
  }
  console.log(`${describeMachine(common)}\n\n${formatTable(rows)}`);
  process.exitCode = rows.some(({ met }) => met === false) ? 1 : 0;
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 2;
}

await main();
