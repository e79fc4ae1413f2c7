import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from './cli.ts';
import { createProgress } from './output/progress.ts';

const RETRY_MS = 500;

/**
 * Repeats a request while the daemon still works on it, as a CSI caller does, and shows the jobs that began meanwhile.
 * Ends with the request's own answer or error. A request that took as long as it may is repeated as long as a job runs.
 */
export async function untilDone<T>({ client, terminal, json }: Session, request: () => Promise<T>): Promise<T> {
  const startedAt = terminal.now();
  const watching = new AbortController();
  const progress = createProgress(terminal);
  const watched =
    terminal.live && !json
      ? client
          .watchJobs(
            { ids: [], follow: true },
            (jobs) => progress.draw(jobs.filter((job) => job.state === 'running' && job.startedAt >= startedAt)),
            watching.signal,
          )
          .catch(() => {}) // the request itself tells what is wrong
      : undefined;
  try {
    for (;;) {
      try {
        return await request();
      } catch (error) {
        if (!(await isPending(error, client))) throw error;
        await sleep(RETRY_MS);
      }
    }
  } finally {
    watching.abort();
    await watched;
    progress.clear();
  }
}

async function isPending(error: unknown, client: Session['client']): Promise<boolean> {
  const { code } = error as { code?: unknown };
  if (code === 'OPERATION_PENDING') return true;
  return code === 'POOL_DEADLINE' && (await client.listJobs()).some(({ state }) => state === 'running');
}
