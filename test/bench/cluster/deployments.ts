import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bed } from '../../cluster/bed.ts';
import { IMMEDIATE, installBerth, NAMESPACE, valuesFor } from '../../cluster/berth.ts';
import { capacityIsKnown } from '../../cluster/storage.ts';
import { CHART, helm, objectsOf } from '../../deploy/chart.ts';
import { mebibytes, sum } from '../measure.ts';
import { atMost, compareRow, type Row, type Target, valueRow } from '../row.ts';
import { type Memory, memoryOf, settledMemory } from './memory.ts';
import { deployOnNodes } from './node-deployment.ts';
import { say } from './speed.ts';
import type { Trials } from './trials.ts';
import { CLASSES } from './variants.ts';

const SNAPSHOT_KINDS = [
  'snapshot.storage.k8s.io/v1/VolumeSnapshotClass',
  'groupsnapshot.storage.k8s.io/v1/VolumeGroupSnapshotClass',
];
/** `fast` and `bulk`: there are no capacities for Immediate. */
const CLASS_COUNT = 2;

type Pods = Awaited<ReturnType<typeof settledMemory>>;
interface Deployment {
  idle: Pods;
  /** After the StatefulSet has come up, and while it runs. */
  inUse: Pods;
}

/** Leaves the chart's deployment in place. */
export async function measureDeployments(bed: Bed, trials: Trials, { replicas }: { replicas: number }): Promise<Row[]> {
  const onNodes = await measure(bed, trials, replicas, await installOnNodes(bed, benchValues(bed)));
  await onNodes.uninstall();
  const chart = await measure(bed, trials, replicas, await installChart(bed, benchValues(bed)));
  return rowsOf(bed.nodes.length, replicas, chart, onNodes);
}

const benchValues = (bed: Bed): object => valuesFor(bed, { [CLASSES.Berth.immediate]: IMMEDIATE });

interface Installed {
  uninstall(): Promise<void>;
}

async function installChart(bed: Bed, values: object): Promise<Installed> {
  return installBerth(bed, values);
}

async function installOnNodes(bed: Bed, values: object): Promise<Installed> {
  const file = join(bed.folder, 'node-values.json');
  writeFileSync(file, JSON.stringify(values));
  const kinds = SNAPSHOT_KINDS.flatMap((kind) => ['--api-versions', kind]);
  const target = ['--namespace', NAMESPACE, '--kube-version', '1.37.2'];
  const text = await helm('template', 'berth', CHART, '--no-hooks', ...target, ...kinds, '--values', file);
  const objects = deployOnNodes(objectsOf(text));
  const { kubectl } = bed;
  await kubectl.apply(...objects);
  for (const name of bed.nodes) {
    await kubectl.run('rollout', 'status', `daemonset/berth-node-${name}`, '-n', NAMESPACE, '--timeout=180s');
  }
  return {
    async uninstall() {
      const manifest = join(bed.folder, 'node-deployment.json');
      writeFileSync(manifest, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
      await kubectl.remove('-f', manifest);
    },
  };
}

async function measure(
  bed: Bed,
  trials: Trials,
  replicas: number,
  { uninstall }: Installed,
): Promise<Deployment & Installed> {
  await capacityIsKnown(bed.kubectl, CLASS_COUNT * bed.nodes.length);
  const idle = await settledMemory(bed);
  const { readyMs } = await trials.startSet('Berth', replicas);
  say(`warming up, ${replicas} replicas, Berth: ${readyMs.toFixed(0)} ms`);
  const inUse = await settledMemory(bed);
  await trials.removeSet();
  return { idle, inUse, uninstall };
}

function rowsOf(nodes: number, replicas: number, chart: Deployment, onNodes: Deployment): Row[] {
  const states = { idle: 'idle', inUse: `${replicas} volumes in use` } as const;
  return (Object.keys(states) as (keyof typeof states)[]).flatMap((state) => {
    const daemons = memoryOf(chart[state].filter(({ component }) => component === 'node'));
    const controllers = memoryOf(chart[state].filter(({ component }) => component === 'controller'));
    const other = memoryOf(onNodes[state]);
    const perNode = (memory: Memory, kind: keyof Memory): number => memory[kind] / nodes;
    const row = (what: string, value: number, target?: Target): Row =>
      compareRow(
        `memory ${states[state]}: ${what}`,
        mebibytes(value),
        { ...mebibytes(perNode(other, 'pss')), text: `on each node ${mebibytes(perNode(other, 'pss')).text}` },
        target,
      );
    const all = perNode(daemons, 'pss') + perNode(controllers, 'pss');
    return [
      row(`all, a node of ${nodes}`, all, atMost(0.5)),
      row('node daemon', perNode(daemons, 'pss')),
      // The program's pages count half where a controller runs beside it: here they count whole.
      row('a node without a controller, computed', daemonAlone(onNodes[state])),
      row(`controllers, a node of ${nodes}`, perNode(controllers, 'pss')),
      ...workingSets(
        states[state],
        [
          [`all, a node of ${nodes}`, perNode(daemons, 'workingSet') + perNode(controllers, 'workingSet')],
          ['node daemon', perNode(daemons, 'workingSet')],
        ],
        perNode(other, 'workingSet'),
      ),
      ...containersOf(chart[state], states[state], 'chart'),
      ...containersOf(onNodes[state], states[state], 'on each node'),
    ];
  });
}

const daemonAlone = (pods: Pods): number => sum(pods.map(({ containers }) => containers['berth']!)) / pods.length;

const workingSets = (state: string, parts: [string, number][], other: number): Row[] =>
  parts.map(([what, value]) =>
    compareRow(`working set ${state}: ${what}`, mebibytes(value), {
      value: other,
      text: `on each node ${mebibytes(other).text}`,
    }),
  );

/** The means over the pods that have it. */
function containersOf(pods: Pods, state: string, deployment: string): Row[] {
  const found = new Map<string, number[]>();
  for (const { component, containers } of pods) {
    for (const [name, pss] of Object.entries(containers)) {
      const key = `${component}/${name}`;
      found.set(key, [...(found.get(key) ?? []), pss]);
    }
  }
  return [...found].map(([key, values]) => {
    const value = sum(values) / values.length;
    return valueRow(`  ${state}, ${deployment}: ${key} × ${values.length}`, mebibytes(value));
  });
}
