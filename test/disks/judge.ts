import { classifyDisks } from '../../src/disks/classify.ts';
import { collectDisks } from '../../src/disks/collect.ts';
import type { Disk, DiskPolicy } from '../../src/disks/model.ts';
import { recordedSources } from '../../src/disks/recorded.ts';
import type { FakeMachine } from './machine.ts';

export const policy: DiskPolicy = { nodeName: 'n1', knownPools: new Map() };

/** All disks of a recorded machine, as the daemon would see them. */
export async function judge(fake: FakeMachine, extra: Partial<DiskPolicy> = {}): Promise<Disk[]> {
  const snapshots = await collectDisks(recordedSources(fake.machine), { loops: extra.allowLoop });
  return classifyDisks(snapshots, { ...policy, ...extra });
}

export async function judgeOne(fake: FakeMachine, name: string, extra: Partial<DiskPolicy> = {}): Promise<Disk> {
  const disk = (await judge(fake, extra)).find(({ kernelName }) => kernelName === name);
  if (disk === undefined) throw new Error(`${name} is not in the list`);
  return disk;
}

export const codes = (disk: Disk): string[] => disk.reasons.map(({ code }) => code);
