/**
 * npm run bench:cluster -- [--quick] [--detail]
 * Measures Berth in a cluster of two nodes beside emptyDir, rancher's local-path-provisioner and its own
 * deployment on every node, within one run, and prints two tables. docs/performance.md says what bounds it. `--detail` prints every request.
 */
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { startBed } from '../../cluster/bed.ts';
import { diagnose } from '../../cluster/diagnose.ts';
import { openBench } from '../bench.ts';
import { describeMachine } from '../machine.ts';
import { formatTable } from '../row.ts';
import { measureDeployments } from './deployments.ts';
import { installLocalPath } from './local-path.ts';
import { measureRaised, measureSpeed } from './speed.ts';
import { prepareTrials } from './trials.ts';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, detail: { type: 'boolean', default: false } },
});
const scale = values.quick
  ? { replicas: 6, rounds: 1, alone: 3, together: 6 }
  : { replicas: 30, rounds: 3, alone: 5, together: 30 };

const bed = await startBed({ nodes: 2, disks: { fast: '4G', bulk: '4G' }, berth: true, audit: true });
try {
  await bed.startSnapshotController();
  await installLocalPath(bed);
  const trials = await prepareTrials(bed);
  const deployments = await measureDeployments(bed, trials, scale);
  console.log(formatTable(deployments));
  const { rows, details } = await measureSpeed(trials, scale);
  const raised = await measureRaised(bed, trials, scale);
  console.log(describeMachine(openBench({ quick: values.quick, parentDir: tmpdir() })));
  console.log(`\n${formatTable([...rows, ...raised])}`);
  if (values.detail) console.log(`\n${details}`);
  process.exitCode = [...deployments, ...rows].some(({ met }) => met === false) ? 1 : 0;
} catch (error) {
  console.log(await diagnose(bed).catch(String));
  throw error;
} finally {
  await bed.stop();
}
