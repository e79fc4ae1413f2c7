import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stepNames } from '../../../src/pools/steps.ts';
import { type Daemon, startDaemon } from '../../helpers/daemon.ts';
import { createKubelet } from '../../helpers/kubelet.ts';
import { type LoopLab, openLoopLab } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';
import { startToDie } from './death.ts';
import { createRandom } from './random.ts';

const DISK_BYTES = 2 ** 30;
const steps = stepNames.filter((step) => step.startsWith('adopt.'));
const seams = steps.flatMap((step) => [`${step}:before:1`, `${step}:after:1`]);
/** A folder is neither formatted nor mounted. */
const seamsOfFolder = seams.filter((seam) => seam.startsWith('adopt.stamp'));
const LONGEST_ADOPTION_MS = 500;

let lab: LoopLab;
let daemon: Daemon | undefined;
beforeEach(() => {
  lab = openLoopLab({ directIo: true });
});
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
  lab.dispose();
});

const options = (pools: readonly object[], seam?: string) => ({
  dir: join(lab.dir, 'daemon'),
  pools,
  ...(seam !== undefined && { env: { BERTH_CRASH_AT: seam } }),
});
const start = async (pools: readonly object[], seam?: string): Promise<Daemon> => {
  daemon = await startDaemon(options(pools, seam));
  return daemon;
};
const onDisk = (backend: string): object[] => {
  const { path } = lab.device(DISK_BYTES);
  return [{ name: 'lab', class: 'lab', backend, disks: [{ path, allowLoop: true }] }];
};

/** The pool is open by itself and takes a volume. */
async function expectPool({ admin, csi, log }: Daemon): Promise<void> {
  await until(
    () => `the pool is ready: ${log()}`,
    async () => (await admin.listPools()).every(({ state }) => state === 'ready'),
  );
  const id = await createKubelet(csi, lab.folder()).create('first', { poolClass: 'lab' });
  expect(await admin.listVolumes()).toMatchObject([{ id, name: 'first' }]);
}

describe.each(['btrfs', 'image'])('a daemon killed while it adopts an empty disk for %s', (backend) => {
  it.each(seams)('as its config says, %s', async (seam) => {
    const pools = onDisk(backend);
    await startToDie(options(pools, seam));
    await expectPool(await start(pools));
  });

  it.each(seams)('as an operator says, %s', async (seam) => {
    const { path } = lab.device(DISK_BYTES);
    const adopt = async ({ admin }: Daemon) => {
      const { digest } = (await admin.explainDisk(path)).disk;
      return admin.adoptDisk({ disk: path, pool: 'lab', class: 'lab', backend, digest });
    };
    const dying = await start([], seam);
    await expect(adopt(dying)).rejects.toThrow();
    expect(await dying.ended).toBe('SIGKILL');
    await dying.stop();
    await adopt(await start([]));
    await expectPool(daemon!);
  });

  it.each([1, 2, 3])('at a random time, seed %i', async (seed) => {
    const pools = onDisk(backend);
    const killed = await start(pools);
    await delay(createRandom(seed).between(0, LONGEST_ADOPTION_MS));
    await killed.stop('SIGKILL');
    await expectPool(await start(pools));
  });
});

it.each(seamsOfFolder)('a daemon killed while it makes a pool of a folder, %s', async (seam) => {
  const directory = join(await lab.filesystem('ext4', DISK_BYTES), 'pool');
  const pools = [{ name: 'lab', class: 'lab', backend: 'image', directory }];
  await startToDie(options(pools, seam));
  await expectPool(await start(pools));
});
