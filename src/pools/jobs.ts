import { BerthError } from '../errors.ts';
import type { Job } from '../volumes/model.ts';
import type { Progress } from './backend.ts';
import { fullId, type PoolCore } from './core.ts';

/** Ended jobs that stay visible. */
const ENDED_KEPT = 50;

/**
 * Runs long work where `berth job` can see it. A job has the id of its object: the object's row in the ledger is its
 * record, and from that row it is taken up again after a restart.
 */
export async function runJob<T>(
  core: PoolCore,
  options: { kind: Job['kind']; uuid: string; totalBytes: bigint; cancellable: boolean },
  work: (progress: Progress, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const job = {
    id: fullId(core, options.uuid),
    poolName: core.spec.name,
    kind: options.kind,
    subject: fullId(core, options.uuid),
    state: 'running' as Job['state'],
    doneBytes: 0n,
    totalBytes: options.totalBytes,
    startedAt: core.now(),
    endedAt: undefined as number | undefined,
    error: undefined as string | undefined,
    abort,
    cancellable: options.cancellable,
  };
  core.jobs.set(options.uuid, job);
  try {
    const result = await work((doneBytes, totalBytes) => {
      job.doneBytes = doneBytes;
      job.totalBytes = totalBytes;
    }, abort.signal);
    job.state = 'done';
    job.doneBytes = job.totalBytes;
    return result;
  } catch (error) {
    job.state = abort.signal.aborted ? 'cancelled' : 'failed';
    job.error = (error as Error).message;
    throw error;
  } finally {
    job.endedAt = core.now();
    dropOldest(core);
  }
}

function dropOldest(core: PoolCore): void {
  let ended = 0;
  for (const job of core.jobs.values()) if (job.endedAt !== undefined) ended += 1;
  for (const [uuid, job] of core.jobs) {
    if (ended <= ENDED_KEPT) return;
    if (job.endedAt === undefined) continue;
    core.jobs.delete(uuid);
    ended -= 1;
  }
}

/** The jobs as they can be sent to another thread, oldest first. */
export const listJobs = (core: PoolCore): Job[] =>
  Array.from(core.jobs.values(), ({ abort: _, cancellable: __, ...job }) => ({ ...job }));

export function cancelJob(core: PoolCore, uuid: string): void {
  const job = core.jobs.get(uuid);
  if (job === undefined) throw new BerthError('JOB_NOT_FOUND', { id: fullId(core, uuid) });
  if (!job.cancellable) {
    throw new BerthError('JOB_NOT_CANCELLABLE', {
      id: job.id,
      problem: 'stopping half-way would keep space from being freed',
    });
  }
  if (job.state === 'running') job.abort.abort();
}
