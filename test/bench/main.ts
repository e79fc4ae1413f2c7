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
import { measureDisks } from './disks.ts';
import { describeMachine } from './machine.ts';
import { measureMany } from './many.ts';
import { measureHostility } from './nfs/hostility.ts';
import { measureNfs } from './nfs/index.ts';
import { buildBundle } from './program.ts';
import { measurePublish } from './publish.ts';
import { formatTable, type Row } from './row.ts';
import { measureSnapshot } from './snapshot.ts';
import { measureThroughput } from './throughput.ts';

type Part = (bench: Bench, program: Program) => Promise<Row[]>;

const parts: Record<string, Part> = {
  create: measureCreate,
  many: measureMany,
  publish: measurePublish,
  snapshot: measureSnapshot,
  throughput: measureThroughput,
  disks: measureDisks,
  nfs: measureNfs,
  hostility: measureHostility,
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

  const bench = openBench({ quick: values.quick, parentDir: values.dir });
  const rows: Row[] = [];
  try {
    const program = await buildBundle(bench);
    const stop = interruption();
    for (const [name, measure] of Object.entries(parts)) {
      if (positionals.length > 0 && !positionals.includes(name)) continue;
      rows.push(...(await bench.scoped((inner) => Promise.race([measure(inner, program), stop]))));
    }
  } finally {
    await bench.close();
  }
  console.log(`${describeMachine(bench)}\n\n${formatTable(rows)}`);
  process.exitCode = rows.some(({ met }) => met === false) ? 1 : 0;
}

/** Rejects at Ctrl-C, so that what was made goes away. */
function interruption(): Promise<never> {
  const stop = Promise.withResolvers<never>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.reject(new Error(signal)));
  stop.promise.catch(() => {});
  return stop.promise;
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 2;
}

await main();
