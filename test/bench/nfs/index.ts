import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Agent, startAgent } from '../agent.ts';
import { type Bench, openLab } from '../bench.ts';
import { mebibytes, median, type Quantity } from '../measure.ts';
import { atLeast, atMost, compareRow, type Row, valueRow } from '../row.ts';
import type { NfsLoadWork, NfsPattern } from './load.ts';
import { type NfsServerProcess, startBerthNfs, startGanesha } from './servers.ts';

const DISK_BYTES = 8 * 2 ** 30;
const perSecond = (value: number): string => `${value.toFixed(0)}/s`;
const megabytes = (value: number): string => `${(value * 1.048576).toFixed(0)} MB/s`;
const names: Record<NfsPattern, { what: string; text(value: number): string }> = {
  write: { what: 'write 1 MiB', text: megabytes },
  read: { what: 'read 1 MiB', text: megabytes },
  randomRead: { what: 'random read 4 KiB', text: perSecond },
  randomWrite: { what: 'random write 4 KiB', text: perSecond },
  create: { what: 'create, close', text: perSecond },
  stat: { what: 'stat by handle', text: perSecond },
  lookup: { what: 'stat by name', text: perSecond },
  remove: { what: 'remove', text: perSecond },
};

/** Berth's NFS server against nfs-ganesha: the same client, the same file system, in turns. */
export async function measureNfs(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const clients of [1, 8]) rows.push(...(await bench.scoped((inner) => measureWith(inner, clients))));
  return rows;
}

/** What is measured together: the names that are made are looked up and removed in the same turn. */
const groups: readonly (readonly NfsPattern[])[] = [
  ['write'],
  ['read'],
  ['randomRead'],
  ['randomWrite'],
  ['stat'],
  ['create', 'lookup', 'remove'],
];

type Name = 'berth' | 'ganesha';
const NAMES: readonly Name[] = ['berth', 'ganesha'];

async function measureWith(bench: Bench, clients: number): Promise<Row[]> {
  const lab = openLab(bench);
  const disk = await lab.filesystem('ext4', DISK_BYTES);
  const folder = (name: Name): string => {
    mkdirSync(join(disk, name), { recursive: true });
    return join(disk, name);
  };
  const servers: Record<Name, NfsServerProcess> = {
    berth: await startBerthNfs(bench, lab, folder('berth')),
    ganesha: await startGanesha(bench, lab, folder('ganesha')),
  };
  const loads = {} as Record<Name, Agent<NfsLoadWork>>;
  for (const name of NAMES) {
    const load = startAgent<NfsLoadWork>(new URL('./load.ts', import.meta.url), []);
    bench.onClose(() => load.stop());
    await load.ask('connect', { port: servers[name].port, count: clients });
    loads[name] = load;
  }

  const [rounds, seconds] = bench.quick ? [2, 1] : [5, 2];
  const rows: Row[] = [];
  for (const group of groups) {
    bench.say(`NFS: ${group.join(', ')}; clients: ${clients}`);
    const results = group.map((pattern) => ({ pattern, rates: { berth: [], ganesha: [] } as Record<Name, number[]> }));
    for (let round = 0; round < rounds; round++) {
      for (const name of round % 2 === 0 ? NAMES : NAMES.toReversed()) {
        for (const { pattern, rates } of results) rates[name].push(await loads[name].ask('run', { pattern, seconds }));
      }
    }
    for (const { pattern, rates } of results) {
      const { what, text } = names[pattern];
      const rate = (name: Name, of = ''): Quantity => ({
        value: median(rates[name]),
        text: of + text(median(rates[name])),
      });
      rows.push(compareRow(`NFS ${what}, ${clients}`, rate('berth'), rate('ganesha', 'ganesha '), atLeast(0.8)));
    }
  }
  for (const name of NAMES) await loads[name].ask('disconnect');
  const peak = (name: Name): Quantity => mebibytes(servers[name].peakMemoryMiB());
  rows.push(
    valueRow(`NFS server's memory at its peak, ${clients}`, peak('berth'), atMost(150, 'MiB')),
    compareRow(`the same`, peak('berth'), { ...peak('ganesha'), text: `ganesha ${peak('ganesha').text}` }),
  );
  return rows;
}
