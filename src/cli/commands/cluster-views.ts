import type { ClusterNode, ClusterVolume } from '../../cluster/index.ts';
import type { PoolStatus } from '../../volumes/model.ts';
import { formatAge, formatBytes, formatPercent } from '../output/format.ts';
import { isKnown } from '../output/json.ts';
import { type Column, formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';
import { shortIds } from '../resolve.ts';

/** Of all volumes of a cluster. */
export function clusterVolumeTable(terminal: Terminal, rows: readonly ClusterVolume[]): string {
  if (rows.length === 0) return 'no volumes\n';
  const ids = shortIds(rows.flatMap(({ volume }) => volume ?? []));
  const columns: Column<ClusterVolume>[] = [
    { header: 'CLAIM', value: ({ claim }) => claim ?? '' },
    { header: 'PODS', value: ({ pods, claim }) => pods.map((pod) => besides(pod, claim)).join(', ') },
    { header: 'NODE', value: ({ node }) => node ?? '' },
    { header: 'POOL', value: ({ volume }) => volume?.poolName ?? '' },
    { header: 'LIMIT', value: ({ volume }) => (volume ? formatBytes(volume.sizeBytes) : ''), align: 'right' },
    { header: 'USED', value: known(({ used }) => formatBytes(used)), align: 'right' },
    { header: 'USE', value: known(({ used, total }) => formatPercent(used, total)), align: 'right' },
    { header: 'HEALTH', value: healthOf, style: (row) => (healthOf(row) === 'ok' ? 'green' : 'red') },
    { header: 'ID', value: ({ volume }) => (volume ? ids.get(volume.id)! : '') },
    { header: 'NAME', value: ({ pv, volume }) => pv ?? volume?.name ?? '' },
  ];
  const note: Column<ClusterVolume> = { header: 'NOTE', value: (row) => row.note ?? '', style: () => 'yellow' };
  return formatTable(rows.some((row) => row.note !== undefined) ? [...columns, note] : columns, rows, terminal.style);
}

/** A pod without its namespace where that is the claim's. */
const besides = (pod: string, claim: string | undefined): string =>
  claim?.split('/')[0] === pod.split('/')[0] ? pod.slice(pod.indexOf('/') + 1) : pod;

const known =
  (format: (bytes: { total: bigint; used: bigint; available: bigint }) => string) =>
  ({ usage }: ClusterVolume): string =>
    usage !== undefined && isKnown(usage.bytes) ? format(usage.bytes) : '';

function healthOf({ problems }: ClusterVolume): string {
  if (problems === undefined) return 'unknown';
  return problems.map(({ status, message }) => `${status}: ${message}`).join('; ') || 'ok';
}

/** Of all nodes of a cluster. */
export function clusterNodeTable(terminal: Terminal, rows: readonly ClusterNode[]): string {
  const columns: Column<ClusterNode>[] = [
    { header: 'NODE', value: ({ node }) => node },
    { header: 'VERSION', value: ({ status }) => status?.version ?? '' },
    { header: 'UP', value: ({ status }) => (status ? formatAge(status.startedAt, terminal.now()) : '') },
    { header: 'READY', value: readyOf, style: (row) => (readyOf(row) === 'yes' ? 'green' : 'red') },
    { header: 'POOLS', value: ofPools((pools) => `${pools.filter(isReady).length}/${pools.length}`), align: 'right' },
    { header: 'VOLUMES', value: ofPools((pools) => String(sum(pools.map((one) => one.volumes)))), align: 'right' },
    { header: 'SIZE', value: ofPools((pools) => bytes(pools.map((one) => one.totalBytes))), align: 'right' },
    { header: 'PROMISED', value: ofPools((pools) => bytes(pools.map((one) => one.provisionedBytes))), align: 'right' },
    { header: 'FREE', value: ofPools((pools) => bytes(pools.map((one) => one.availableBytes))), align: 'right' },
    { header: 'TAINT', value: ({ place }) => (place === undefined ? '?' : place.startupTaint ? 'not-ready' : '') },
    { header: 'POD', value: ({ pod }) => pod ?? '' },
    { header: 'PROBLEMS', value: (row) => problemsOf(row).join('; ') },
  ];
  return formatTable(columns, rows, terminal.style);
}

/** What an operator should look at on a node, in plain words. */
export function problemsOf({ status, problem, place }: ClusterNode): string[] {
  const ofNode = [
    place?.exists === false ? 'the cluster has no such node' : '',
    place?.exists && !place.ready ? 'the node is not Ready' : '',
    place?.cordoned ? 'the node is cordoned' : '',
  ];
  return [problem?.message ?? '', ...ofNode, ...(status?.problems ?? [])].filter((one) => one !== '');
}

const readyOf = ({ status }: ClusterNode): string => (status === undefined ? 'silent' : status.ready ? 'yes' : 'no');

const isReady = ({ state }: PoolStatus): boolean => state === 'ready';

const ofPools =
  (tell: (pools: readonly PoolStatus[]) => string) =>
  ({ status }: ClusterNode): string =>
    status === undefined ? '' : tell(status.pools);

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const bytes = (sizes: readonly bigint[]): string => formatBytes(sizes.reduce((all, one) => all + one, 0n));
