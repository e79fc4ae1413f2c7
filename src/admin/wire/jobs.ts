import type { Job } from '../../volumes/model.ts';

export type JobMessage = ReturnType<typeof encodeJob>;

export function encodeJob(job: Job) {
  return {
    id: job.id,
    pool: job.poolName,
    kind: job.kind as string,
    subject: job.subject,
    state: job.state as string,
    done_bytes: String(job.doneBytes),
    total_bytes: String(job.totalBytes),
    started_at_ms: String(job.startedAt),
    ended_at_ms: String(job.endedAt ?? 0),
    error: job.error ?? '',
  };
}

export function decodeJob(message: JobMessage): Job {
  return {
    id: message.id,
    poolName: message.pool,
    kind: message.kind as Job['kind'],
    subject: message.subject,
    state: message.state as Job['state'],
    doneBytes: BigInt(message.done_bytes),
    totalBytes: BigInt(message.total_bytes),
    startedAt: Number(message.started_at_ms),
    endedAt: Number(message.ended_at_ms) || undefined,
    error: message.error || undefined,
  };
}
