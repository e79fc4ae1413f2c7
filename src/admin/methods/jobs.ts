import { setTimeout as sleep } from 'node:timers/promises';
import type { handleServerStreamingCall } from '@grpc/grpc-js';
import { toServiceError } from '../../rpc/status.ts';
import { callWithin } from '../../volumes/call.ts';
import type { Call, Job, VolumeService } from '../../volumes/model.ts';
import { required } from '../handler.ts';
import { encodeJob, type JobMessage } from '../wire/jobs.ts';

const WATCH_INTERVAL_MS = 250;
const WATCH_DEADLINE_MS = 10_000;

export interface JobList {
  jobs: JobMessage[];
}

export interface WatchJobsRequest {
  ids: string[];
  follow: boolean;
}

export function jobMethods(service: VolumeService) {
  return {
    async ListJobs(_: object, call: Call): Promise<JobList> {
      return { jobs: (await service.jobs(call)).map(encodeJob) };
    },

    async CancelJob({ id }: { id: string }, call: Call) {
      await service.cancelJob(required('id', id), call);
      return {};
    },
  };
}

/** Sends the jobs whenever they differ from what was sent last, until none runs or the caller or the daemon ends. */
export function watchJobs(
  service: VolumeService,
  stopping: AbortSignal,
): handleServerStreamingCall<WatchJobsRequest, JobList> {
  return async (stream) => {
    const { ids, follow } = stream.request;
    const gone = new AbortController();
    stream.on('cancelled', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, stopping]);
    let sent = '';
    try {
      while (!signal.aborted) {
        const jobs = (await service.jobs(callWithin(WATCH_DEADLINE_MS))).filter(
          (job) => ids.length === 0 || ids.includes(job.id),
        );
        const message = { jobs: jobs.map(encodeJob) };
        const now = JSON.stringify(message);
        if (now !== sent) stream.write(message);
        sent = now;
        if (!follow && !jobs.some(isRunning)) break;
        await sleep(WATCH_INTERVAL_MS, undefined, { signal }).catch(() => {});
      }
      stream.end();
    } catch (error) {
      stream.destroy(Object.assign(new Error(), toServiceError(error)));
    }
  };
}

const isRunning = (job: Job): boolean => job.state === 'running';

export type JobMethods = ReturnType<typeof jobMethods>;
