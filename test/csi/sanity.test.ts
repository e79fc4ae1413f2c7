import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Daemon, startDaemon } from '../helpers/daemon.ts';
import { type LoopLab, openLoopLab } from '../helpers/loop.ts';
import { until } from '../helpers/until.ts';
import { runSanity } from './sanity.ts';
import { COMMON_SKIPS } from './skips.ts';

const GIB = 1 << 30;

/** Each makes the storage of one pool, as the config file describes it. */
const backends = {
  btrfs: async (lab: LoopLab) => ({
    backend: 'btrfs',
    disks: [{ path: lab.device(16 * GIB).path, allowLoop: true }],
  }),
  'image on xfs': async (lab: LoopLab) => ({
    backend: 'image',
    directory: await lab.filesystem('xfs', 16 * GIB),
  }),
  'image on ext4': async (lab: LoopLab) => ({
    backend: 'image',
    directory: await lab.filesystem('ext4', 16 * GIB),
  }),
} as const;

let lab: LoopLab;
let daemon: Daemon | undefined;
beforeEach(() => {
  lab = openLoopLab();
});
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
  lab.dispose();
});

test.each([
  ['btrfs', 'mount'],
  ['image on xfs', 'mount'],
  ['image on xfs', 'block'],
  ['image on ext4', 'mount'],
  ['image on ext4', 'block'],
] as const)('csi-sanity passes on %s, %s', { timeout: 600_000 }, async (backend, accessType) => {
  const pool = { name: 'sanity', class: 'sanity', ...(await backends[backend](lab)) };
  const running = await startDaemon({ dir: join(lab.dir, 'daemon'), pools: [pool] });
  daemon = running;
  await until('the pool is open', async () => {
    const { ready } = await running.csi.call<{ ready: { value: boolean } }>('Probe');
    return ready.value;
  });
  const result = await runSanity({
    endpoint: `unix://${join(lab.dir, 'daemon', 'csi.sock')}`,
    name: accessType,
    workDir: join(lab.dir, 'sanity'),
    accessType,
    // xfs is made from 300 MiB on.
    sizes: { sizeBytes: 320n << 20n, expandedBytes: 384n << 20n },
    params: { poolClass: 'sanity' },
    allowedSkips: COMMON_SKIPS,
  });
  expect(result.problems).toEqual([]);
});
