import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { findIoControlGroups, findPodGroup, type IoMax, setIoMax } from '../host/cgroup.ts';
import type { HealthProblem, IoLimits } from '../volumes/model.ts';
import type { BackendDriver } from './backend.ts';
import { mountsOf, type PoolCore } from './core.ts';
import type { ObjectRow } from './ledger.ts';

const RETRY_EVERY_MS = 1_000;
/** The kubelet makes a pod's control group before its volumes are published, or a moment later. */
const USUAL_WAIT_MS = 10_000;

/** Since when a volume has pods without its limits, and what is in the way. */
export interface Unlimited {
  since: number;
  problem: string;
  told: boolean;
}

export const isLimited = (limits: IoLimits): boolean => Object.keys(limits).length > 0;

/** Why no volume of the pool can have I/O limits, or undefined. */
export function ioLimitsProblem(backend: BackendDriver): string | undefined {
  if (backend.attach === undefined) return `volumes of ${backend.kind} pools are no block devices of their own`;
  return findIoControlGroups() === undefined ? 'the node has no cgroup v2 with the io controller' : undefined;
}

/** Where the kubelet publishes file systems, and raw block devices (csi.md: target paths). */
const POD_PATHS = [/\/pods\/([0-9a-z-]+)\/volumes\//, /\/volumeDevices\/publish\/[^/]+\/([0-9a-z-]+)$/];

/** The UID of the pod that a target path belongs to. */
export const podOf = (path: string): string | undefined =>
  POD_PATHS.map((pattern) => pattern.exec(path)?.[1]).find((uid) => uid !== undefined);

/** Sets what the row says on all pods that use the volume; those whose control group is not there yet come later. */
export function applyIoLimits(core: PoolCore, row: ObjectRow): void {
  const { mounts, device } = mountsOf(core, row);
  const paths = mounts.map(({ mountPoint }) => mountPoint);
  const problem = device && limitPods(paths, device, toIoMax(row));
  // Where there are no limits, there is nothing that could be missing.
  if (problem === undefined || !isLimited(row.ioLimits)) core.unlimited.delete(row.uuid);
  else core.unlimited.set(row.uuid, { since: core.now(), told: false, ...core.unlimited.get(row.uuid), problem });
}

/** Takes the limits from the pod at `targetPath`, so that they cannot meet the device's next volume. */
export function releaseIoLimits(core: PoolCore, row: ObjectRow, targetPath: string): void {
  if (!isLimited(row.ioLimits)) return;
  const { device } = mountsOf(core, row);
  if (device !== undefined) limitPods([targetPath], device, {});
}

export function ioLimitProblems(core: PoolCore, row: ObjectRow): HealthProblem[] {
  const state = core.unlimited.get(row.uuid);
  if (state === undefined || core.now() - state.since < USUAL_WAIT_MS) return [];
  return [{ status: 'DEGRADED', reason: 'IoLimitsMissing', message: `its I/O limits do not hold: ${state.problem}` }];
}

/** Limits what was published by an earlier daemon, and goes on with what waits. Returns what ends it. */
export function startIoLimits(core: PoolCore): () => void {
  for (const row of core.ledger.limitedVolumes()) applyIoLimits(core, row);
  const timer = setInterval(() => retry(core), RETRY_EVERY_MS);
  return () => clearInterval(timer);
}

function retry(core: PoolCore): void {
  for (const [uuid] of [...core.unlimited]) {
    const row = core.ledger.object(uuid);
    if (row?.state === 'ready') applyIoLimits(core, row);
    else core.unlimited.delete(uuid);
    const still = core.unlimited.get(uuid);
    if (still === undefined || still.told || core.now() - still.since < USUAL_WAIT_MS) continue;
    still.told = true;
    core.log('warn', 'a volume is used without its I/O limits', { object: uuid, problem: still.problem });
  }
}

/** Limits the pods of target paths. Returns what was in the way first. A path that is no pod's has nobody to limit. */
function limitPods(paths: readonly string[], device: string, limits: IoMax): string | undefined {
  const pods = paths.flatMap((path) => podOf(path) ?? []);
  const root = pods.length === 0 ? undefined : findIoControlGroups();
  return pods.map((pod) => limitPod(root, pod, device, limits)).find((problem) => problem !== undefined);
}

function limitPod(root: string | undefined, pod: string, device: string, limits: IoMax): string | undefined {
  const group = root && findPodGroup(root, pod);
  if (group === undefined) return `pod ${pod} has no control group`;
  try {
    return setIoMax(group, deviceNumber(device), limits) ? undefined : `${group} has no io controller`;
  } catch (error) {
    return `${group} takes no limits: ${(error as Error).message}`;
  }
}

const toIoMax = ({ ioLimits }: ObjectRow): IoMax => ({
  rbps: ioLimits.readBytesPerSecond,
  wbps: ioLimits.writeBytesPerSecond,
  riops: ioLimits.readOperationsPerSecond,
  wiops: ioLimits.writeOperationsPerSecond,
});

const deviceNumber = (device: string): string => readFileSync(`/sys/block/${basename(device)}/dev`, 'utf8').trim();
