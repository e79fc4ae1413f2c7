import { createHash } from 'node:crypto';
import type { DiskSnapshot } from './snapshot.ts';

/** SHA-256 in hex over every fact of the snapshot. Two equal snapshots have one digest, whatever the order of keys. */
export const digestOf = (snapshot: DiskSnapshot): string =>
  createHash('sha256').update(canonical(snapshot)).digest('hex');

function canonical(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`)
    .join(',')}}`;
}
