/** Volumes of every kind; run by volumes.sh. */
import { type Bed, startBed } from './bed.ts';
import { installBerth } from './berth.ts';
import { diagnose } from './diagnose.ts';
import { createStep } from './steps.ts';
import { testEphemeral } from './volumes/ephemeral.ts';
import { testFsGroup } from './volumes/fs-group.ts';
import { testGroups } from './volumes/groups.ts';
import { testIoLimits } from './volumes/io-limits.ts';
import { testRetention } from './volumes/retention.ts';
import { testSinglePod } from './volumes/single-pod.ts';

let bed: Bed | undefined;
const step = createStep(async () => (bed ? diagnose(bed) : ''));

const { kubectl, nodes, stop, startSnapshotController } = await step('2 nodes are up', async () => {
  bed = await startBed({ nodes: 2, disks: { fast: '4G', bulk: '4G' }, berth: true });
  return bed;
});

const berth = await step('Berth is installed', async () => {
  await startSnapshotController();
  return installBerth(bed!);
});

const cluster = { kubectl, nodes, berth, step };
await testGroups(cluster);
await testSinglePod(cluster);
await testRetention(cluster);
await testEphemeral(cluster);
await testFsGroup(cluster);
await testIoLimits(cluster);

await step('Berth is uninstalled', () => berth.uninstall());
await step('nothing is left when the bed is taken down', stop);
