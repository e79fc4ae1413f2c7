import type { VolumeCheck } from '../../admin/client.ts';
import type { Snapshot, Usage, Volume, VolumeState } from '../../volumes/model.ts';
import type { Session } from '../cli.ts';
import { formatAge, formatBytes, formatPercent } from '../output/format.ts';
import { formatJson, isKnown } from '../output/json.ts';
import { type Column, formatFields, formatTable } from '../output/table.ts';
import type { Style, Terminal } from '../output/terminal.ts';
import { shortId, shortIds } from '../resolve.ts';

const stateStyles: Record<VolumeState, Style> = { ready: 'green', creating: 'yellow', deleting: 'yellow' };

export function volumeTable({ terminal }: Session, volumes: readonly Volume[]): string {
  if (volumes.length === 0) return 'no volumes\n';
  const ids = shortIds(volumes);
  const columns: Column<Volume>[] = [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'ID', value: ({ id }) => ids.get(id)! },
    { header: 'POOL', value: ({ poolName }) => poolName },
    { header: 'CLASS', value: ({ poolClass }) => poolClass },
    { header: 'SIZE', value: ({ sizeBytes }) => formatBytes(sizeBytes), align: 'right' },
    { header: 'CONTENT', value: ({ content }) => content },
    { header: 'STATE', value: ({ state }) => state, style: ({ state }) => stateStyles[state] },
    { header: 'MOUNTS', value: ({ mounts }) => String(mounts.length), align: 'right' },
    { header: 'AGE', value: ({ createdAt }) => formatAge(createdAt, terminal.now()) },
  ];
  return formatTable(columns, volumes, terminal.style);
}

export function snapshotColumns(snapshots: readonly Snapshot[], { now }: Terminal): Column<Snapshot>[] {
  const ids = shortIds(snapshots);
  return [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'ID', value: ({ id }) => ids.get(id)! },
    { header: 'VOLUME', value: ({ sourceVolumeId }) => shortId(sourceVolumeId) },
    { header: 'SIZE', value: ({ sizeBytes }) => formatBytes(sizeBytes), align: 'right' },
    { header: 'READY', value: ({ ready }) => (ready ? 'yes' : 'no') },
    { header: 'AGE', value: ({ createdAt }) => formatAge(createdAt, now()) },
  ];
}

export const snapshotTable = ({ terminal }: Session, snapshots: readonly Snapshot[]): string =>
  snapshots.length === 0
    ? 'no snapshots\n'
    : formatTable(snapshotColumns(snapshots, terminal), snapshots, terminal.style);

export const volumeFields = (volume: Volume, now: number): string =>
  formatFields([
    ['name', volume.name],
    ['id', volume.id],
    ['pool', `${volume.poolName} (class ${volume.poolClass}, ${volume.backend})`],
    ['size', formatBytes(volume.sizeBytes)],
    ['content', volume.content],
    ['options', [volume.parameters.thin ? 'thin' : '', volume.parameters.nodatacow ? 'nodatacow' : '']],
    ['I/O limits', Object.entries(volume.ioLimits).map(([key, limit]) => `${key} ${limit}`)],
    ['state', volume.state],
    ['created', `${new Date(volume.createdAt).toISOString()} (${formatAge(volume.createdAt, now)} ago)`],
    ['source', volume.source && `${volume.source.kind} ${volume.source.id}`],
    ['device', volume.device],
    ['mounts', volume.mounts.map(({ path, readOnly }) => (readOnly ? `${path} (read-only)` : path))],
  ]);

/** Leaves out what nobody knows: how full a raw block volume is, or an image that is not mounted. */
const known =
  (format: (bytes: Usage['bytes']) => string) =>
  ({ usage: { bytes } }: VolumeCheck): string =>
    isKnown(bytes) ? format(bytes) : '';

export const usageColumns: Column<VolumeCheck>[] = [
  { header: 'NAME', value: ({ volume }) => volume.name },
  { header: 'SIZE', value: ({ usage }) => formatBytes(usage.bytes.total), align: 'right' },
  { header: 'USED', value: known(({ used }) => formatBytes(used)), align: 'right' },
  { header: 'FREE', value: known(({ available }) => formatBytes(available)), align: 'right' },
  { header: 'USE', value: known(({ used, total }) => formatPercent(used, total)), align: 'right' },
  {
    header: 'INODES',
    value: ({ usage: { inodes } }) => (inodes === undefined ? '-' : formatPercent(inodes.used, inodes.total)),
    align: 'right',
  },
  {
    header: 'HEALTH',
    value: ({ problems }) => problems.map(({ status, message }) => `${status}: ${message}`).join('; ') || 'ok',
    style: ({ problems }) => (problems.length === 0 ? 'green' : 'red'),
  },
];

export const print = ({ terminal }: Session, text: string): void => terminal.out(text);
export const printJson = ({ terminal }: Session, value: unknown): void => terminal.out(formatJson(value));
