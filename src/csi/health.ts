import { BerthError } from '../errors.ts';
import type { Call, HealthProblem, Volume, VolumeService } from '../volumes/model.ts';
import { clip } from './limits.ts';
import type { StorageBackendHealth, VolumeHealth, VolumeHealthEntry } from './types.ts';

const VOLUME_STATUS: Record<HealthProblem['status'], VolumeHealthEntry['status']> = {
  UNKNOWN: 'UNKNOWN_VOLUME_HEALTH_TYPE',
  DEGRADED: 'DEGRADED',
  INACCESSIBLE: 'INACCESSIBLE',
  DATA_LOSS: 'DATA_LOSS',
};

const STORAGE_STATUS: Record<HealthProblem['status'], StorageBackendHealth['status']> = {
  UNKNOWN: 'UNKNOWN_STORAGE_HEALTH_ERROR_TYPE',
  DEGRADED: 'STORAGE_DEGRADED',
  INACCESSIBLE: 'STORAGE_UNREACHABLE',
  DATA_LOSS: 'STORAGE_UNREACHABLE',
};

/** A volume whose pool does not answer cannot be reached, which is an answer about its health. */
const UNREACHABLE = new Set(['POOL_UNAVAILABLE', 'POOL_DEADLINE']);

/** Rejects with VOLUME_NOT_FOUND. */
export async function volumeHealth(service: VolumeService, id: string, call: Call): Promise<VolumeHealth> {
  try {
    return toVolumeHealth(id, await service.volumeHealth(id, call));
  } catch (error) {
    if (!(error instanceof BerthError) || !UNREACHABLE.has(error.code)) throw error;
    return toVolumeHealth(id, [{ status: 'INACCESSIBLE', reason: 'PoolUnavailable', message: error.message }]);
  }
}

/** The health of those volumes that have a problem. A pool's own problem is that of all its volumes, without asking. */
export async function unhealthyVolumes(
  service: VolumeService,
  volumes: readonly Volume[],
  call: Call,
): Promise<VolumeHealth[]> {
  const pools = Map.groupBy(service.storageHealth(), ({ pool }) => pool);
  const all = await Promise.all(
    volumes.map((volume) => {
      const problems = pools.get(volume.poolName)?.map(({ problem }) => problem);
      return problems === undefined
        ? ignoreGone(volumeHealth(service, volume.id, call))
        : toVolumeHealth(volume.id, problems);
    }),
  );
  return all.filter((health) => health !== undefined && health.health_statuses.length > 0).map((health) => health!);
}

/** A volume may be deleted between the list and the question. */
async function ignoreGone(health: Promise<VolumeHealth>): Promise<VolumeHealth | undefined> {
  try {
    return await health;
  } catch (error) {
    if (error instanceof BerthError && error.code === 'VOLUME_NOT_FOUND') return undefined;
    throw error;
  }
}

/** CSI 1.13 NodeGetStorageHealth: one entry for each status and reason, whichever pools have it. */
export function storageHealth(service: VolumeService): StorageBackendHealth[] {
  const problems = service.storageHealth().map(({ problem }) => ({
    status: STORAGE_STATUS[problem.status],
    reason: problem.reason,
    message: problem.message,
  }));
  return mergeSame(problems);
}

function toVolumeHealth(id: string, problems: readonly HealthProblem[]): VolumeHealth {
  const entries = problems.map(({ status, reason, message }) => ({ status: VOLUME_STATUS[status], reason, message }));
  return { volume_id: id, health_statuses: mergeSame(entries) };
}

function mergeSame<Entry extends { status: string; reason: string; message: string }>(entries: Entry[]): Entry[] {
  const groups = Map.groupBy(entries, ({ status, reason }) => `${status} ${reason}`);
  return [...groups.values()].map((same) => ({
    ...same[0]!,
    reason: clip(same[0]!.reason),
    message: clip(same.map(({ message }) => message).join('; ')),
  }));
}
