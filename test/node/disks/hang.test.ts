import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDisks, systemSources } from '../../../src/disks/index.ts';
import { type LoopLab, openLoopLab } from '../../helpers/loop.ts';
import { openStoppableDisk, type StoppableDisk } from '../../helpers/stoppable-disk.ts';
import { until } from '../../helpers/until.ts';

const SIZE = 300 * 2 ** 20;

let lab: LoopLab;
let broken: StoppableDisk;
let well: string;
beforeAll(async () => {
  lab = openLoopLab();
  well = lab.device(SIZE).path;
  broken = await openStoppableDisk(lab, SIZE);
});
afterAll(() => {
  broken?.dispose();
  lab.dispose();
});

describe('a disk whose server is stopped', () => {
  it('is unknown, does not keep the others from being listed, and is free again when it answers', async () => {
    const allowLoop = new Set([well, broken.path]);
    const disks = createDisks({
      policy: () => ({ nodeName: 'n1', knownPools: new Map(), allowLoop }),
      sources: systemSources({ probeTimeoutMs: 300 }),
    });
    const look = async (path: string) => (await disks.list()).find((disk) => disk.path === path)!;
    expect((await look(broken.path)).verdict).toBe('free');

    broken.hang();
    const disk = await look(broken.path);
    expect(disk.verdict).toBe('unknown');
    expect((await look(well)).verdict).toBe('free');
    await expect(disks.recheck(disk)).rejects.toMatchObject({ code: 'DISK_IN_USE' });

    broken.answer();
    await until('the disk is free again', async () => (await look(broken.path)).verdict === 'free');
  });

  it('is unknown when it fails every read', async () => {
    await broken.fail();
    const disks = createDisks({
      policy: () => ({ nodeName: 'n1', knownPools: new Map(), allowLoop: new Set([broken.path]) }),
    });
    const disk = (await disks.list()).find(({ path }) => path === broken.path)!;
    expect(disk.verdict).toBe('unknown');
  });
});
