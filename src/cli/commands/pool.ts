import type { Command } from 'commander';
import type { PoolState, PoolStatus } from '../../volumes/model.ts';
import { textArgument } from '../arguments.ts';
import { type Cli, type Session, withDaemon } from '../cli.ts';
import { confirm } from '../confirm.ts';
import { formatBytes } from '../output/format.ts';
import { formatJson, poolJson } from '../output/json.ts';
import { type Column, formatFields, formatTable } from '../output/table.ts';
import { tell } from '../output/tell.ts';
import type { Style, Terminal } from '../output/terminal.ts';
import { findPool } from '../resolve.ts';
import { addGroup, examples } from './help.ts';
import { listOverNodes } from './over-nodes.ts';

export function addPoolCommands(program: Command, cli: Cli): void {
  const pool = addGroup(program, 'pool', 'See the pools of this node, and take over foreign ones.', 'berth pool list');

  pool
    .command('list')
    .description('List pools with their state and room.')
    .addHelpText('after', examples('berth pool list', 'berth pool list --json', 'berth --kube pool list'))
    .action(withDaemon(cli, list, poolsOverNodes));

  pool
    .command('show')
    .description('Show all about one pool.')
    .argument('<pool>', 'name, id, or a unique beginning of either')
    .addHelpText('after', examples('berth pool show nvme'))
    .action(withDaemon(cli, show));

  pool
    .command('import')
    .description('Take over a pool that another node stamped.')
    .argument('<pool>', 'name in the config, or id', textArgument)
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples('berth pool import nvme', 'berth pool import 4f6c2a0e-... --yes'))
    .action(withDaemon(cli, importPool));

  pool
    .command('forget')
    .description('Let an empty disk or folder take the place of a pool that was there before.')
    .argument('<pool>', 'name in the config', textArgument)
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples('berth pool forget nvme'))
    .action(withDaemon(cli, forgetPool));
}

async function list({ client, terminal, json }: Session): Promise<void> {
  const pools = await client.listPools();
  terminal.out(json ? formatJson(pools.map(poolJson)) : poolTable(terminal, pools));
}

const poolsOverNodes = listOverNodes<PoolStatus>({
  ask: (client) => client.listPools(),
  toJson: poolJson,
  columns: poolColumns,
  none: 'no pools',
});

async function show({ client, terminal, json }: Session, name: string): Promise<void> {
  const pool = await findPool(client, name);
  terminal.out(json ? formatJson(poolJson(pool)) : poolFields(pool));
}

async function importPool(session: Session, name: string, { yes = false }): Promise<void> {
  const { client, terminal } = session;
  const question = `Take over pool ${name}? Its volumes must be in use by no other node.`;
  await confirm(terminal, `taking over pool ${name}`, question, yes);
  const pool = await client.importPool(name);
  tell(session, poolJson(pool), `pool ${pool.name} belongs to this node now`);
}

async function forgetPool(session: Session, name: string, { yes = false }): Promise<void> {
  const { client, terminal } = session;
  const question = `Forget pool ${name}? Volumes that were on it count as deleted from then on.`;
  await confirm(terminal, `forgetting pool ${name}`, question, yes);
  await client.forgetPool(name);
  tell(session, { pool: name }, `pool ${name} is forgotten; what is there now may become a pool of that name`);
}

const stateStyles: Partial<Record<PoolState, Style>> = {
  ready: 'green',
  opening: 'yellow',
  foreign: 'yellow',
  unhealthy: 'red',
  lost: 'red',
  failed: 'red',
};

export function poolColumns(pools: readonly PoolStatus[]): Column<PoolStatus>[] {
  const columns: Column<PoolStatus>[] = [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'CLASS', value: (pool) => pool.class },
    { header: 'BACKEND', value: ({ backend }) => backend },
    { header: 'STATE', value: ({ state }) => state, style: ({ state }) => stateStyles[state] },
    { header: 'SIZE', value: ({ totalBytes }) => formatBytes(totalBytes), align: 'right' },
    { header: 'FREE', value: ({ availableBytes }) => formatBytes(availableBytes), align: 'right' },
    { header: 'VOLUMES', value: ({ volumes }) => String(volumes), align: 'right' },
    { header: 'SNAPSHOTS', value: ({ snapshots }) => String(snapshots), align: 'right' },
    { header: 'STORAGE', value: ({ storage }) => storage.join(', ') },
  ];
  const reason: Column<PoolStatus> = { header: 'REASON', value: ({ reason }) => reason ?? '' };
  return pools.some((pool) => pool.reason !== undefined) ? [...columns, reason] : columns;
}

export const poolTable = (terminal: Terminal, pools: readonly PoolStatus[]): string =>
  pools.length === 0 ? 'no pools\n' : formatTable(poolColumns(pools), pools, terminal.style);

const poolFields = (pool: PoolStatus): string =>
  formatFields([
    ['name', pool.name],
    ['id', pool.id],
    ['class', pool.class],
    ['backend', pool.backend],
    ['state', pool.state],
    ['reason', pool.reason],
    ['storage', pool.storage],
    ['size', formatBytes(pool.totalBytes)],
    ['free for volumes', formatBytes(pool.availableBytes)],
    ['promised', formatBytes(pool.provisionedBytes)],
    ['reserve', formatBytes(pool.reserveBytes)],
    ['free on disk', formatBytes(pool.freeBytes)],
    ['volumes', String(pool.volumes)],
    ['snapshots', `${pool.snapshots} (${pool.snapshotKind})`],
    ['size limits', pool.limitsEnforced ? 'enforced' : 'NOT enforced'],
    ['raw block', pool.blockVolumes ? 'yes' : 'no'],
    ['file systems', pool.filesystems.join(', ')],
  ]);
