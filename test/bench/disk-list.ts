import { setTimeout as sleep } from 'node:timers/promises';
import { classifyDisks } from '../../src/disks/classify.ts';
import { collectDisks } from '../../src/disks/collect.ts';
import { createDisks } from '../../src/disks/index.ts';
import { recordedSources } from '../../src/disks/recorded.ts';
import { blkidFound, type FakeMachine, fakeMachine } from '../disks/machine.ts';

export interface Row {
  what: string;
  value: number;
  unit: string;
  target: string;
}

const ROUNDS = 20;
const policy = { nodeName: 'n1', knownPools: new Map<string, string>() };

/** Wall time of a list of this machine, and CPU time of one of a recorded machine with 200 disks. */
export async function measureDiskList(): Promise<Row[]> {
  const disks = createDisks({ policy: () => policy });
  const wall: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await disks.list();
    wall.push(performance.now() - start);
  }

  const sources = recordedSources(largeMachine().machine);
  const cpu: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage();
    classifyDisks(await collectDisks(sources), policy);
    const { user, system } = process.cpuUsage(start);
    cpu.push((user + system) / 1_000);
    await sleep(1);
  }
  return [
    { what: 'disk list on this machine, first', value: wall[0]!, unit: 'ms', target: '<= 150' },
    { what: 'disk list on this machine, median', value: median(wall), unit: 'ms', target: '<= 150' },
    { what: 'disk list of 200 recorded disks, first', value: cpu[0]!, unit: 'ms CPU', target: '<= 50' },
    { what: 'disk list of 200 recorded disks, median', value: median(cpu), unit: 'ms CPU', target: '<= 50' },
  ];
}

/** A storage server: a boot disk, and 199 of which every other one has partitions, a file system or nothing. */
function largeMachine(): FakeMachine {
  const fake = fakeMachine()
    .disk('sda')
    .partition('sda', 1)
    .partition('sda', 2)
    .mount('8:1', '/boot')
    .mount('8:2', '/');
  for (let index = 1; index < 200; index++) {
    const name = `sd${letters(index)}`;
    const links = [`disk/by-id/ata-disk-${index}`, `disk/by-id/wwn-${index}`, `disk/by-path/pci-0-${index}`];
    const udev = { ID_SERIAL: `disk-${index}`, ID_SERIAL_SHORT: `${index}`, ID_PATH: `pci-0-${index}`, ID_BUS: 'ata' };
    const ext4 = { ID_FS_TYPE: 'ext4', ID_FS_UUID: `uuid-${index}`, ID_FS_USAGE: 'filesystem' };
    fake.disk(name, { links, udev, device: index % 2 === 0 ? { probe: blkidFound(ext4) } : {} });
    if (index % 4 === 1) fake.partition(name, 1).partition(name, 2);
    if (index % 2 === 0) fake.mount(`8:${index * 16}`, `/srv/${index}`);
  }
  return fake;
}

const letters = (index: number): string =>
  (index < 26 ? '' : letters(Math.floor(index / 26) - 1)) + String.fromCharCode(97 + (index % 26));

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

if (import.meta.main) {
  for (const { what, value, unit, target } of await measureDiskList()) {
    console.log(`${what.padEnd(44)}${value.toFixed(1).padStart(9)} ${unit.padEnd(8)}${target}`);
  }
}
