import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { mountHolding, readMounts } from '../../src/host/mountinfo.ts';
import type { Bench } from './bench.ts';

/** On what it was measured, on one line. */
export function describeMachine({ parentDir }: Bench): string {
  const { fsType, device } = mountHolding(parentDir, readMounts());
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ')[0];
  return [
    `${availableParallelism()} × ${cpus()[0]!.model.trim()}, ${memory}`,
    `Linux ${release()}`,
    `Node ${process.version}`,
    `loop files on ${fsType} (${device})`,
    `load at the end ${load}`,
  ].join('; ');
}
