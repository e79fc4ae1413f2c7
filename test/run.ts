import { add, type Counts, format, NONE, skip } from './tiers/counts.ts';
import { runScripts } from './tiers/scripts.ts';
import { runStatic } from './tiers/static.ts';
import { runVitest } from './tiers/vitest.ts';

const tiers: Record<string, () => Counts | Promise<Counts>> = {
  static: runStatic,
  unit: () => runVitest('unit'),
  node: () => asRoot('node', () => runVitest('node', 'node-serial')),
  csi: () => asRoot('csi', () => runVitest('csi')),
  deploy: () => runVitest('deploy'),
  vm: () => asRoot('vm', () => runScripts('test/vm')),
  cluster: () => asRoot('cluster', () => runScripts('test/cluster')),
};

/** What `npm test` runs: all that needs nothing but this machine. */
const DEFAULT = ['static', 'unit', 'node', 'csi', 'deploy'];

function asRoot(tier: string, run: () => Counts | Promise<Counts>): Counts | Promise<Counts> {
  return process.getuid?.() === 0 ? run() : skip(`the tier ${tier}`, 'it needs root');
}

/** Runs the tiers named and prints the sum as its last line. */
async function main(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !Object.hasOwn(tiers, name));
  if (unknown.length > 0) {
    console.error(`unknown: ${unknown.join(' ')}; tiers are ${Object.keys(tiers).join(' ')}`);
    process.exitCode = 2;
    return;
  }
  process.chdir(new URL('..', import.meta.url).pathname);
  let sum = NONE;
  for (const [name, run] of Object.entries(tiers)) {
    if (!names.includes(name)) continue;
    console.log(`\n=== ${name}`);
    const counts = await run();
    console.log(`${name}: ${format(counts)}`);
    sum = add(sum, counts);
  }
  console.log(`\n${format(sum)}`);
  process.exitCode = sum.failed > 0 ? 1 : 0;
}

await main(process.argv.length > 2 ? process.argv.slice(2) : DEFAULT);
