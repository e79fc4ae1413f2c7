import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startAgent } from '../agent.ts';
import { type Bench, openLab } from '../bench.ts';
import { mebibytes, milliseconds } from '../measure.ts';
import { atMost, compareRow, type Row, valueRow } from '../row.ts';
import type { ClientWork } from './client.ts';
import type { PeersWork } from './peers.ts';
import { startBerthNfs } from './servers.ts';

const DISK_BYTES = 2 ** 30;
const PEERS = 100;

/** What a good client of the NFS server notices of 100 hostile ones, and what they make the server hold. */
export async function measureHostility(bench: Bench): Promise<Row[]> {
  bench.say('NFS: hostile peers');
  const lab = openLab(bench);
  const data = join(await lab.filesystem('ext4', DISK_BYTES), 'data');
  mkdirSync(data);
  const server = await startBerthNfs(bench, lab, data);
  const client = startAgent<ClientWork>(new URL('./client.ts', import.meta.url), []);
  bench.onClose(() => client.stop());
  const peers = startAgent<PeersWork>(new URL('./peers.ts', import.meta.url), []);
  bench.onClose(() => peers.stop());

  const file = await client.ask('connect', { port: server.port });
  const seconds = bench.quick ? 5 : 60;
  await client.ask('work', { seconds: 2 });
  const idle = await client.ask('work', { seconds: Math.min(seconds, 15) });
  await peers.ask('start', { port: server.port, count: PEERS, file });
  const busy = await client.ask('work', { seconds });
  const ended = await peers.ask('stop', {});
  bench.say(`  ${ended} connections of theirs were ended`);
  const row = (what: string, share: number, target?: ReturnType<typeof atMost>): Row =>
    compareRow(
      `NFS write, read, stat beside ${PEERS} hostile peers, ${what}`,
      milliseconds(percentile(busy, share)),
      milliseconds(percentile(idle, share), 'idle'),
      target,
    );
  return [
    row('p50', 0.5),
    row('p99', 0.99, atMost(3)),
    valueRow(`NFS server's memory at its peak, with them`, mebibytes(server.peakMemoryMiB()), atMost(256, 'MiB')),
  ];
}

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)]!;
