import type { Command } from 'commander';
import type { ClusterNode, ClusterNodes } from '../../cluster/index.ts';
import type { PoolStatus } from '../../volumes/model.ts';
import { type Cli, type ClusterSession, withCluster } from '../cli.ts';
import { EXIT } from '../failure.ts';
import { clusterJson, clusterNodeJson } from '../output/cluster-json.ts';
import { printable } from '../output/format.ts';
import { formatJson } from '../output/json.ts';
import { type Column, formatFields, formatTable } from '../output/table.ts';
import { clusterNodeTable, problemsOf } from './cluster-views.ts';
import { examples } from './help.ts';
import { reportUnread } from './over-nodes.ts';
import { poolColumns } from './pool.ts';

/** Beside the daemon that `berth node` runs. */
export function addNodeCommands(node: Command, cli: Cli): void {
  node
    .command('list')
    .description("List a cluster's nodes with their daemons and pools.")
    .addHelpText('after', examples('berth node list', 'kubectl berth node list'))
    .action(withCluster(cli, list));
}

async function list(session: ClusterSession): Promise<void> {
  const { cluster, terminal, json } = session;
  const { listNodes } = await import('../../cluster/index.ts');
  const { nodes, unread } = await listNodes(cluster);
  terminal.out(json ? formatJson(nodes.map(clusterNodeJson)) : clusterNodeTable(terminal, nodes));
  reportUnread(session, unread);
  failOnSilence(session, nodes);
}

/** `berth --kube status`: the controllers, the nodes, all pools, and what to look at. */
export async function statusOverNodes(session: ClusterSession): Promise<void> {
  const { cluster, terminal, json } = session;
  const { listNodes } = await import('../../cluster/index.ts');
  const found = await listNodes(cluster);
  const { namespace } = cluster.installation;
  terminal.out(json ? formatJson(clusterJson(namespace, found)) : statusText(session, namespace, found));
  reportUnread(session, found.unread);
  failOnSilence(session, found.nodes);
}

function statusText({ terminal }: ClusterSession, namespace: string, { nodes, controllers }: ClusterNodes): string {
  const running = controllers.filter(({ problem }) => problem === undefined);
  const fields = formatFields([
    ['berth', `in namespace ${namespace}`],
    ['controllers', `${running.length} of ${controllers.length} running`],
    ['nodes', `${nodes.filter(({ status }) => status?.ready).length} of ${nodes.length} ready`],
  ]);
  const pools = nodes.flatMap(({ node, status }) => (status?.pools ?? []).map((pool) => ({ ...pool, node })));
  const columns: Column<PoolStatus & { node: string }>[] = [
    { header: 'NODE', value: ({ node }) => node },
    ...poolColumns(pools),
  ];
  const problems = [
    ...(controllers.length === 0 ? ['there is no controller'] : []),
    ...controllers.flatMap(({ name, problem }) => (problem === undefined ? [] : [`controller ${name}: ${problem}`])),
    ...nodes.flatMap((one) => problemsOf(one).map((problem) => `${one.node}: ${problem}`)),
  ].map((problem) => `  ${terminal.style('red', printable(problem))}\n`);
  return [
    `${fields}\n${clusterNodeTable(terminal, nodes)}`,
    pools.length === 0 ? '\nno pools\n' : `\n${formatTable(columns, pools, terminal.style)}`,
    problems.length === 0 ? '' : `\nproblems\n${problems.join('')}`,
  ].join('');
}

function failOnSilence({ cli }: ClusterSession, nodes: readonly ClusterNode[]): void {
  if (nodes.some(({ status }) => status === undefined)) cli.exitCode = EXIT.failed;
}
