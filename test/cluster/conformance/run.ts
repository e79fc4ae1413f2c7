/** Runs External.Storage for the drivers named; run by run.sh. Prints every spec that ran, and the sum for each driver. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBed } from '../bed.ts';
import { installBerth, valuesFor } from '../berth.ts';
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

/** Those that need another operating system, a machine to log in to by SSH, or another kind of cluster. */
const SKIP = '\\[Feature:Windows\\]|\\[Disruptive\\]|\\[Feature:LinuxOnly-never\\]';
const TIMEOUT = process.env['TIMEOUT'] ?? '40m';
const PROCESSES = process.env['PROCESSES'] ?? '6';
const FOCUS = process.env['FOCUS'] ?? '';
const DISK_SIZE = '60G';

const wanted = process.argv.slice(2).filter((name) => name !== '');
const chosen = wanted.length === 0 ? Object.keys(drivers) : wanted;
for (const name of chosen) if (!Object.hasOwn(drivers, name)) throw new Error(`no driver ${name}`);

const bed = await startBed({ nodes: 2, disks: { fast: DISK_SIZE, bulk: DISK_SIZE }, berth: true });
await bed.startSnapshotController();
await installBerth(bed, valuesFor(bed));
let failed = 0;
for (const name of chosen) failed += await runDriver(name, drivers[name]!);
await bed.stop();
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
  await bed.node('node1').run('sh', '-c', `"$@" >${log} 2>&1 || true`, 'ginkgo', ...ginkgo);
  const specs = (JSON.parse(readFileSync(report, 'utf8')) as Report[])
    .flatMap(({ SpecReports }) => SpecReports)
    .filter(({ LeafNodeType, State }) => LeafNodeType === 'It' && State !== 'skipped' && State !== 'pending');
  for (const spec of specs) {
    const title = [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText]
      .join(' ')
      .replace(/^External Storage /, '');
    const seconds = (spec.RunTime / 1e9).toFixed(0);
    console.log(`${spec.State === 'passed' ? 'ok' : 'not ok'} ${name}: ${title} (${seconds} s)`);
    if (spec.State !== 'passed')
      console.log(`    ${(spec.Failure?.Message ?? spec.State).split('\n').slice(0, 12).join('\n    ')}`);
  }
  const bad = specs.filter(({ State }) => State !== 'passed').length;
  console.log(`${name}: ${specs.length - bad} passed, ${bad} failed`);
  return bad;
}
