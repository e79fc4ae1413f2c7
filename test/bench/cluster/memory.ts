import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bed } from '../../cluster/bed.ts';
import { NAMESPACE } from '../../cluster/berth.ts';
import { sum } from '../measure.ts';

const SAMPLE_MS = 2_000;
const SAMPLES_ALIKE = 5;
const ALIKE = 0.01;
const SAMPLES_AT_MOST = 15;
const MIB = 2 ** 20;

/** In MiB. */
export interface Memory {
  /** The processes' pages; one that several share counts once among them. */
  pss: number;
  /** As the kubelet reports it: of the control group, without the file pages that are not in use. */
  workingSet: number;
}

interface MeasuredPod {
  metadata: { uid: string; labels: Record<string, string> };
  status: { containerStatuses: { name: string; containerID: string }[] };
}

interface PodMemory extends Memory {
  component: string;
  /** PSS by container. */
  containers: Record<string, number>;
}

/** What Berth's pods have, by their component (`node`, `controller`), once it stays as it is. */
export async function settledMemory(bed: Bed): Promise<PodMemory[]> {
  const recent: number[] = [];
  for (let sample = 0; ; sample++) {
    const pods = await measurePods(bed);
    recent.push(sum(pods.map(({ pss }) => pss)));
    if (recent.length > SAMPLES_ALIKE) recent.shift();
    const alike = recent.length === SAMPLES_ALIKE && Math.max(...recent) / Math.min(...recent) < 1 + ALIKE;
    if (alike || sample === SAMPLES_AT_MOST) return pods;
    await delay(SAMPLE_MS);
  }
}

export const memoryOf = (pods: readonly Memory[]): Memory => ({
  pss: sum(pods.map(({ pss }) => pss)),
  workingSet: sum(pods.map(({ workingSet }) => workingSet)),
});

async function measurePods({ kubectl, folder }: Bed): Promise<PodMemory[]> {
  const pods = await kubectl.list<MeasuredPod>('pods', '-n', NAMESPACE);
  return pods.map(({ metadata, status }) => {
    const group = groupOf(basename(folder), metadata.uid);
    const pssIn = (path: string): number => sum(processesIn(path).map(pssOf)) / MIB;
    return {
      component: metadata.labels['app.kubernetes.io/component']!,
      pss: pssIn(group),
      workingSet: workingSetOf(group) / MIB,
      containers: Object.fromEntries(
        status.containerStatuses.map(({ name, containerID }) => [
          name,
          pssIn(join(group, containerID.replace(/^.*:\/\//, ''))),
        ]),
      ),
    };
  });
}

/** The pod's control group, of version 1 or 2. */
function groupOf(bed: string, uid: string): string {
  const [group] = ['memory/', ''].flatMap((top) => globSync(`/sys/fs/cgroup/${top}${bed}/*/kubepods/{,*/}pod${uid}`));
  if (group === undefined) throw new Error(`there is no control group of pod ${uid}`);
  return group;
}

const processesIn = (group: string): string[] =>
  globSync(`${group}/{,*/}cgroup.procs`).flatMap((file) => readFileSync(file, 'utf8').split('\n').filter(Boolean));

const pssOf = (pid: string): number =>
  Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))![1]) * 1024;

function workingSetOf(group: string): number {
  const isFirst = group.startsWith('/sys/fs/cgroup/memory/');
  const usage = Number(readFileSync(join(group, isFirst ? 'memory.usage_in_bytes' : 'memory.current'), 'utf8'));
  const inactive = isFirst ? 'total_inactive_file' : 'inactive_file';
  const stat = readFileSync(join(group, 'memory.stat'), 'utf8');
  return usage - Number(new RegExp(`^${inactive} (\\d+)$`, 'm').exec(stat)![1]);
}
