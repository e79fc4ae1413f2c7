import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { stepNames } from '../../../src/pools/steps.ts';
import { type Daemon, type DaemonOptions, startDaemon } from '../../helpers/daemon.ts';
import { createKubelet } from '../../helpers/kubelet.ts';
import { type LoopLab, openLoopLab } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';
import { startToDie } from './death.ts';
import { inParallel } from './parallel.ts';
import { createRandom } from './random.ts';

const DISK_BYTES = 2 ** 30;
const LONGEST_ADOPTION_MS = 500;
const seams = stepNames
  .filter((step) => step.startsWith('adopt.'))
  .flatMap((step) => [`${step}:before:1`, `${step}:after:1`]);
/** A folder is neither formatted nor mounted. */
const seamsOfFolder = seams.filter((seam) => seam.startsWith('adopt.stamp'));
const compiled = mkdtempSync(join(tmpdir(), 'berth-compiled-'));
afterAll(() => rmSync(compiled, { recursive: true }));

interface Adoption {
  lab: LoopLab;
  /** What starts a daemon, which a seam may kill. */
  options(pools: readonly object[], seam?: string): DaemonOptions;
  start(pools: readonly object[], seam?: string): Promise<Daemon>;
}

async function withLab(act: (adoption: Adoption) => Promise<void>): Promise<void> {
  const lab = openLoopLab({ directIo: true });
  let daemon: Daemon | undefined;
  const options = (pools: readonly object[], seam?: string): DaemonOptions => ({
    dir: join(lab.dir, 'daemon'),
    pools,
    env: { NODE_COMPILE_CACHE: compiled, ...(seam !== undefined && { BERTH_CRASH_AT: seam }) },
  });
  try {
    await act({
      lab,
      options,
      async start(pools, seam) {
        daemon = await startDaemon(options(pools, seam));
        return daemon;
      },
    });
  } finally {
    await daemon?.stop();
    lab.dispose();
  }
}

const onEachBackend = (act: (adoption: Adoption, backend: string) => Promise<void>): Promise<void> =>
  inParallel(['btrfs', 'image'], (backend) => withLab((adoption) => act(adoption, backend)));

const poolOnDisk = (lab: LoopLab, backend: string): object[] => [
  { name: 'lab', class: 'lab', backend, disks: [{ path: lab.device(DISK_BYTES).path, allowLoop: true }] },
];

/** The pool is open by itself and takes a volume. */
async function expectPool(lab: LoopLab, { admin, csi, log }: Daemon): Promise<void> {
  await until(
    () => `the pool is ready: ${log()}`,
    async () => (await admin.listPools()).every(({ state }) => state === 'ready'),
  );
  const id = await createKubelet(csi, lab.folder()).create('first', { poolClass: 'lab' });
  expect(await admin.listVolumes()).toMatchObject([{ id, name: 'first' }]);
}

describe('a daemon killed while it adopts an empty disk', () => {
  it.each(seams)('as its config says, %s', (seam) =>
    onEachBackend(async ({ lab, options, start }, backend) => {
      const pools = poolOnDisk(lab, backend);
      await startToDie(options(pools, seam));
      await expectPool(lab, await start(pools));
    }),
  );

  it.each(seams)('as an operator says, %s', (seam) =>
    onEachBackend(async ({ lab, start }, backend) => {
      const { path } = lab.device(DISK_BYTES);
      const adopt = async ({ admin }: Daemon) => {
        const { digest } = (await admin.explainDisk(path)).disk;
        return admin.adoptDisk({ id: path, pool: 'lab', class: 'lab', backend, digest });
      };
      const dying = await start([], seam);
      await expect(adopt(dying)).rejects.toThrow();
      expect(await dying.ended).toBe('SIGKILL');
      await dying.stop();
      const daemon = await start([]);
      await adopt(daemon);
      await expectPool(lab, daemon);
    }),
  );

  it.each([1, 2, 3])('at a random time, seed %i', (seed) =>
    onEachBackend(async ({ lab, start }, backend) => {
      const pools = poolOnDisk(lab, backend);
      const killed = await start(pools);
      await delay(createRandom(seed).between(0, LONGEST_ADOPTION_MS));
      await killed.stop('SIGKILL');
      await expectPool(lab, await start(pools));
    }),
  );
});

it.each(seamsOfFolder)('a daemon killed while it makes a pool of a folder, %s', (seam) =>
  withLab(async ({ lab, options, start }) => {
    const directory = join(await lab.filesystem('ext4', DISK_BYTES), 'pool');
    const pools = [{ name: 'lab', class: 'lab', backend: 'image', directory }];
    await startToDie(options(pools, seam));
    await expectPool(lab, await start(pools));
  }),
);
