import type { Command } from 'commander';
import { BerthError } from '../../errors.ts';
import type { Job } from '../../volumes/model.ts';
import { type Cli, type Session, withDaemon } from '../cli.ts';
import { formatAge, formatBytes, formatPercent, printable } from '../output/format.ts';
import { formatJson, jobJson } from '../output/json.ts';
import { createProgress } from '../output/progress.ts';
import { type Column, formatTable } from '../output/table.ts';
import { tell } from '../output/tell.ts';
import type { Style, Terminal } from '../output/terminal.ts';
import { findJob, shortId, shortIds } from '../resolve.ts';
import { addGroup, examples } from './help.ts';

export function addJobCommands(program: Command, cli: Cli): void {
  const job = addGroup(
    program,
    'job',
    'See, follow and cancel long work: formatting, copying, freeing.',
    'berth job list',
    'berth job watch',
  );

  job
    .command('list')
    .description('List running and recent jobs.')
    .addHelpText('after', examples('berth job list', 'berth job list --json'))
    .action(withDaemon(cli, list));

  job
    .command('watch')
    .description('Follow jobs until none runs. Fails when one of them failed.')
    .argument('[job...]', 'ids or unique beginnings; all when absent')
    .addHelpText('after', examples('berth job watch', 'berth job watch 7c1e'))
    .action(withDaemon(cli, watch));

  job
    .command('cancel')
    .description('Cancel a job that may be cancelled, and undo what it did.')
    .argument('<job>', 'id or a unique beginning')
    .addHelpText('after', examples('berth job cancel 7c1e'))
    .action(withDaemon(cli, cancel));
}

async function list({ client, terminal, json }: Session): Promise<void> {
  const jobs = await client.listJobs();
  terminal.out(json ? formatJson(jobs.map(jobJson)) : jobTable(terminal, jobs));
}

async function watch({ client, terminal, json }: Session, names: string[]): Promise<void> {
  const ids: string[] = [];
  for (const name of names) ids.push((await findJob(client, name)).id);
  const show = json ? jsonLines(terminal) : terminal.live ? createProgress(terminal).draw : changeLines(terminal);
  let last: Job[] = [];
  await client.watchJobs({ ids, follow: false }, (jobs) => {
    // Without names, what ended long ago is not shown; what ends now is.
    const seen = new Set(last.map(({ id }) => id));
    last = jobs.filter(({ id, state }) => ids.length > 0 || state === 'running' || seen.has(id));
    show(last);
  });
  const failed = last.find(({ state }) => state === 'failed' || state === 'cancelled');
  if (failed !== undefined) {
    throw new BerthError('JOB_FAILED', {
      operation: `${failed.kind} ${shortId(failed.subject)}`,
      problem: failed.error ?? failed.state,
    });
  }
}

async function cancel(session: Session, name: string): Promise<void> {
  const job = await findJob(session.client, name);
  await session.client.cancelJob(job.id);
  tell(session, jobJson(job), `job ${shortId(job.id)} is being cancelled`);
}

type Show = (jobs: readonly Job[]) => void;

/** One array a line. */
const jsonLines =
  (terminal: Terminal): Show =>
  (jobs) =>
    terminal.out(`${JSON.stringify(jobs.map(jobJson))}\n`);

/** A line for each job whose state or whole tenth of progress changed. */
function changeLines(terminal: Terminal): Show {
  const told = new Map<string, string>();
  return (jobs) => {
    for (const job of jobs) {
      const tenth = job.totalBytes > 0n ? (job.doneBytes * 10n) / job.totalBytes : 0n;
      const mark = `${job.state} ${tenth}`;
      if (told.get(job.id) === mark) continue;
      told.set(job.id, mark);
      terminal.out(`${printable(`${shortId(job.id)}: ${job.kind} ${shortId(job.subject)}: ${progressOf(job)}`)}\n`);
    }
  };
}

const progressOf = ({ state, doneBytes, totalBytes, error }: Job): string =>
  state === 'running' ? formatPercent(doneBytes, totalBytes) : error === undefined ? state : `${state}: ${error}`;

const stateStyles: Record<Job['state'], Style | undefined> = {
  running: 'yellow',
  done: 'green',
  failed: 'red',
  cancelled: undefined,
};

function jobTable(terminal: Terminal, jobs: readonly Job[]): string {
  if (jobs.length === 0) return 'no jobs\n';
  const ids = shortIds(jobs);
  const columns: Column<Job>[] = [
    { header: 'ID', value: ({ id }) => ids.get(id)! },
    { header: 'POOL', value: ({ poolName }) => poolName },
    { header: 'KIND', value: ({ kind }) => kind },
    { header: 'SUBJECT', value: ({ subject }) => shortId(subject) },
    { header: 'STATE', value: ({ state }) => state, style: ({ state }) => stateStyles[state] },
    { header: 'DONE', value: ({ doneBytes, totalBytes }) => formatPercent(doneBytes, totalBytes), align: 'right' },
    { header: 'OF', value: ({ totalBytes }) => formatBytes(totalBytes), align: 'right' },
    { header: 'AGE', value: ({ startedAt }) => formatAge(startedAt, terminal.now()) },
  ];
  const error: Column<Job> = { header: 'ERROR', value: (job) => job.error ?? '' };
  return formatTable(jobs.some((job) => job.error !== undefined) ? [...columns, error] : columns, jobs, terminal.style);
}
