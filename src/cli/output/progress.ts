import type { Job } from '../../volumes/model.ts';
import { shortId } from '../resolve.ts';
import { formatBytes, formatPercent, printable } from './format.ts';
import type { Terminal } from './terminal.ts';

const BAR_WIDTH = 24;
const UP_AND_CLEAR = '\u001b[1A\u001b[2K';

/** `copy volume data  [######------]  50%  5Gi of 10Gi` */
export function formatProgress(job: Job, columns: number): string {
  const { doneBytes, totalBytes } = job;
  const filled = totalBytes > 0n ? Number((doneBytes * BigInt(BAR_WIDTH)) / totalBytes) : 0;
  const done = Math.max(0, Math.min(filled, BAR_WIDTH));
  const bar = `[${'#'.repeat(done)}${'-'.repeat(BAR_WIDTH - done)}]`;
  const amount = totalBytes > 0n ? `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}` : job.state;
  const end = job.state === 'running' ? amount : [job.state, job.error].filter(Boolean).join(': ');
  const line = `${job.kind} ${shortId(job.subject)}  ${bar} ${formatPercent(doneBytes, totalBytes).padStart(4)}  ${end}`;
  return [...printable(line)].slice(0, Math.max(20, columns - 1)).join('');
}

/** Draws a line a job on the terminal, over those it drew before. */
export function createProgress(terminal: Pick<Terminal, 'err' | 'columns'>) {
  let drawn = 0;
  return {
    draw(jobs: readonly Job[]): void {
      const lines = jobs.map((job) => `${formatProgress(job, terminal.columns)}\n`);
      terminal.err(UP_AND_CLEAR.repeat(drawn) + lines.join(''));
      drawn = lines.length;
    },
    clear(): void {
      terminal.err(UP_AND_CLEAR.repeat(drawn));
      drawn = 0;
    },
  };
}
