import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMounts } from '../../../src/host/mountinfo.ts';
import { type FuzzTarget, fuzzBytes, fuzzRpc, rpcs } from '../../csi/fuzz/runner.ts';
import { type Daemon, startDaemon } from '../../helpers/daemon.ts';
import { type LoopLab, openLoopLab } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';

const GIB = 1 << 30;
const RUNS = Number(process.env['BERTH_FUZZ_RUNS'] ?? 15);

const backends = {
  btrfs: async (lab: LoopLab) => ({ backend: 'btrfs', disks: [{ path: lab.device(64 * GIB).path, allowLoop: true }] }),
  image: async (lab: LoopLab) => ({ backend: 'image', directory: await lab.filesystem('xfs', 64 * GIB) }),
} as const;

const mountsOutside = (dir: string): string[] =>
  readMounts()
    .map(({ mountPoint }) => mountPoint)
    .filter((path) => !path.startsWith('/tmp/berth-') && !path.startsWith(dir));

/** Hostile messages before real pools: the answers, and what is left on the machine. */
describe.each(Object.entries(backends))('%s', (_name, makePool) => {
  let lab: LoopLab;
  let daemon: Daemon;
  let target: FuzzTarget;
  let before: string[];

  beforeAll(async () => {
    lab = openLoopLab();
    before = mountsOutside(lab.dir);
    const dir = lab.folder('daemon');
    daemon = await startDaemon({ dir, pools: [{ name: 'p', class: 'c', ...(await makePool(lab)) }] });
    await until('the pool is open', async () => {
      const { ready } = await daemon.csi.call<{ ready: { value: boolean } }>('Probe');
      return ready.value;
    });
    target = { socket: join(dir, 'csi.sock'), nodeName: 'n1', workDir: lab.folder('work'), runs: RUNS };
    mkdirSync(join(lab.dir, 'canary'));
    writeFileSync(join(lab.dir, 'canary', 'file'), 'chirp');
  });
  afterAll(async () => {
    await daemon?.stop('SIGKILL');
    lab.dispose();
  });

  describe.each(rpcs.map((rpc) => [rpc.name, rpc] as const))('%s', { timeout: 120_000 }, (_rpcName, rpc) => {
    test('answers every generated message with OK or a status and a message', () => fuzzRpc(rpc, target));
    test('answers every mutated message', () => fuzzBytes(rpc, target));
  });

  test('nothing outside was touched, and the daemon stops as it should', async () => {
    expect(mountsOutside(lab.dir)).toEqual(before);
    expect(readdirSync(join(lab.dir, 'canary'))).toEqual(['file']);
    for (const folder of readdirSync(target.workDir)) {
      const made = readdirSync(join(target.workDir, folder));
      expect(['staging', 'target', 'other']).toEqual(expect.arrayContaining(made));
    }
    expect(await daemon.stop()).toBe(0);
  });
});
