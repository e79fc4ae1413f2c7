import type { Command } from 'commander';
import { type Cli, type Session, withDaemon } from '../cli.ts';
import { formatAge, printable } from '../output/format.ts';
import { formatJson, statusJson } from '../output/json.ts';
import { formatFields } from '../output/table.ts';
import { examples } from './help.ts';
import { statusOverNodes } from './node.ts';
import { poolTable } from './pool.ts';

export function addStatusCommand(program: Command, cli: Cli): void {
  program
    .command('status')
    .description('Show the daemon, its pools, and what an operator should look at.')
    .addHelpText('after', examples('berth status', 'berth status --json', 'berth --kube status'))
    .action(withDaemon(cli, showStatus, statusOverNodes));
}

async function showStatus({ client, terminal, json }: Session): Promise<void> {
  const status = await client.status();
  if (json) return terminal.out(formatJson(statusJson(status)));
  const fields = formatFields([
    ['node', status.node],
    ['zone', status.zone],
    ['region', status.region],
    ['daemon', `berth ${status.version} (${status.mode}), up ${formatAge(status.startedAt, terminal.now())}`],
    ['ready', status.ready ? 'yes' : 'no'],
    ['csi socket', status.csi_socket],
    ['metrics', status.http_listen && `http://${status.http_listen}/metrics`],
    ['jobs', `${status.running_jobs} running`],
  ]);
  const problems = status.problems.map((problem) => `  ${terminal.style('red', printable(problem))}\n`);
  terminal.out(`${fields}\n${poolTable(terminal, status.pools)}`);
  if (problems.length > 0) terminal.out(`\nproblems\n${problems.join('')}`);
}
