/** Runs External.Storage for the drivers named; run by run.sh. Prints every spec that ran, and the sum for each driver. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBed } from '../bed.ts';
import { installBerth, valuesFor } from '../berth.ts';
import { callOn } from '../call.ts';
import { type Driver, driverFile, drivers } from './drivers.ts';

interface Report {
  SpecReports: {
    ContainerHierarchyTexts: string[] | null;
    LeafNodeType: string;
    LeafNodeText: string;
    State: string;
    RunTime: number;
    Failure?: { Message: string };
  }[];
}

/** Those that need another operating system, a machine to log in to by SSH, or images that only a registry has. */
const SKIP = '\\[Feature:Windows\\]|\\[Disruptive\\]|any volume data source';
const TIMEOUT = process.env['TIMEOUT'] ?? '40m';
const PROCESSES = process.env['PROCESSES'] ?? '6';
const FOCUS = process.env['FOCUS'] ?? '';
const DISK_SIZE = '60G';
/** Ginkgo ends by itself before. */
const LIMIT_MS = 3 * 3_600_000;

const PAGE = join(import.meta.dirname, '../../../docs/conformance.md');
const INTRODUCTION = `# Conformance

Made by \`npm run conformance\`: Kubernetes 1.37's own suite for storage drivers, External.Storage, on two nodes with real kubelets,
containerd and sidecars, Berth installed with its chart. What Berth claims is in \`test/cluster/conformance/drivers.ts\`. Left out are the
specs for Windows, those marked Disruptive, which log in to the nodes by SSH, and "any volume data source", whose populator is an
image that only a registry has.
`;

const wanted = process.argv.slice(2).filter((name) => name !== '');
const chosen = wanted.length === 0 ? Object.keys(drivers) : wanted;
for (const name of chosen) if (!Object.hasOwn(drivers, name)) throw new Error(`no driver ${name}`);

const bed = await startBed({ nodes: 2, disks: { fast: DISK_SIZE, bulk: DISK_SIZE }, berth: true });
for (const name of ['agnhost', 'glibc']) {
  await callOn('node1', ['import_image', join(process.env['BED_BIN']!, '../images/e2e', `${name}.tar`)]);
}
await bed.startSnapshotController();
await installBerth(bed, valuesFor(bed));
// The suite sets no limit that it could see; this one can be set on nodes without cgroup v2 too.
await bed.kubectl.apply({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'VolumeAttributesClass',
  metadata: { name: 'unlimited' },
  driverName: 'csi.berth.dev',
  parameters: { readBytesPerSecond: 'max' },
});
let failed = 0;
const sections: string[] = [];
for (const name of chosen) failed += await runDriver(name, drivers[name]!);
await bed.stop();
if (FOCUS === '' && chosen.length === Object.keys(drivers).length) {
  writeFileSync(PAGE, `${INTRODUCTION}\n${sections.join('\n')}`);
}
process.exitCode = failed > 0 ? 1 : 0;

async function runDriver(name: string, driver: Driver): Promise<number> {
  const folder = join(bed.folder, `conformance-${name}`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'driver.yaml');
  writeFileSync(file, driverFile(driver));
  const report = join(folder, 'report.json');
  const bin = process.env['BED_BIN']!;
  const ginkgo = [
    `${bin}/ginkgo`,
    `-nodes=${PROCESSES}`,
    '-no-color',
    `-focus=External.Storage.*${FOCUS}`,
    `-skip=${SKIP}`,
    `-timeout=${TIMEOUT}`,
    `-json-report=report.json`,
    `-output-dir=${folder}`,
    `${bin}/e2e.test`,
    '--',
    `-kubeconfig=${join(bed.folder, 'admin.kubeconfig')}`,
    '-provider=skeleton',
    `-storage.testdriver=${file}`,
    `-kubectl-path=${bin}/kubectl`,
    '-num-nodes=2',
    '-minStartupPods=0',
    '-dump-logs-on-failure=false',
  ];
  const log = join(folder, 'out.log');
  // ginkgo ends with 1 when specs fail; what counts is in its report.
  const command = ['in_node', 'sh', '-c', `"$@" >${log} 2>&1 || true`, 'ginkgo', ...ginkgo];
  await callOn('node1', command, { timeoutMs: LIMIT_MS });
  const specs = (JSON.parse(readFileSync(report, 'utf8')) as Report[])
    .flatMap(({ SpecReports }) => SpecReports)
    .filter(({ LeafNodeType, State }) => LeafNodeType === 'It' && State !== 'pending')
    .map((spec) => ({
      title: [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText].join(' ').replace(/^External Storage /, ''),
      state: spec.State,
      seconds: Math.round(spec.RunTime / 1e9),
      message: spec.Failure?.Message ?? '',
    }))
    // A spec that begins and then sees that it cannot be run says why; all others that were not chosen say nothing.
    .filter(({ state, message }) => state !== 'skipped' || message !== '')
    .toSorted((one, other) => (one.title < other.title ? -1 : 1));
  for (const { title, state, seconds, message } of specs) {
    const verdict = state === 'passed' ? 'ok' : state === 'skipped' ? 'skipped' : 'not ok';
    console.log(`${verdict} ${name}: ${title} (${seconds} s)`);
    if (verdict !== 'ok') console.log(`    ${message.split('\n').slice(0, 12).join('\n    ')}`);
  }
  const count = (...states: string[]): number => specs.filter(({ state }) => states.includes(state)).length;
  const bad = specs.length - count('passed', 'skipped');
  console.log(`${name}: ${count('passed')} passed, ${bad} failed, ${count('skipped')} skipped`);
  const listed = specs
    .map(({ title, state, message }) => `- ${state}: ${title}${message && ` — ${message.split('\n')[0]}`}`)
    .join('\n');
  sections.push(
    `## ${name}\n\n${count('passed')} passed, ${bad} failed, ${count('skipped')} skipped by themselves.\n\n${listed}\n`,
  );
  return bad;
}
