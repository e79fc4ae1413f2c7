import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createFakeCluster, startTestController } from '../helpers/controller.ts';
import { type Daemon, startDaemon } from '../helpers/daemon.ts';
import { openLoopLab } from '../helpers/loop.ts';
import { until } from '../helpers/until.ts';
import { connectCsi } from './client.ts';
import { runSanity } from './sanity.ts';
import { COMMON_SKIPS } from './skips.ts';

const GIB = 1 << 30;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const act of undo.splice(0).reverse()) await act();
});

test('csi-sanity passes through the controller, with two nodes behind it', { timeout: 600_000 }, async () => {
  const lab = openLoopLab();
  undo.push(() => lab.dispose());
  const cluster = await createFakeCluster(join(lab.dir, 'cluster'));
  const controller = await startTestController(lab.dir, cluster);
  undo.push(() => controller.close());
  const start = async (nodeName: string, sizeBytes: number): Promise<Daemon> => {
    const daemon = await startDaemon({
      dir: join(lab.dir, nodeName),
      nodeName,
      pools: [
        {
          name: 'p',
          class: 'sanity',
          backend: 'btrfs',
          disks: [{ path: lab.device(sizeBytes).path, allowLoop: true }],
        },
      ],
      config: {
        fleet: { controller: controller.address, caFile: cluster.caFile, tokenFile: cluster.issueToken(nodeName) },
      },
    });
    undo.push(() => daemon.stop());
    return daemon;
  };
  // The node service that csi-sanity calls is the first node's, and so are its volumes: it has more room.
  await start('n1', 16 * GIB);
  await start('n2', 14 * GIB);
  await until('both nodes serve their pools', () => cluster.untainted.size === 2);
  const client = connectCsi(controller.socket);
  undo.push(() => client.close());
  const capacity = await client.call<{ available_capacity: string }>('GetCapacity', {});
  expect(Number(capacity.available_capacity)).toBeGreaterThan(20 * GIB);

  const result = await runSanity({
    endpoint: `unix://${join(lab.dir, 'n1', 'csi.sock')}`,
    controllerEndpoint: `unix://${controller.socket}`,
    name: 'controller',
    workDir: join(lab.dir, 'sanity'),
    accessType: 'mount',
    sizes: { sizeBytes: 64n << 20n, expandedBytes: 128n << 20n },
    params: { poolClass: 'sanity' },
    allowedSkips: COMMON_SKIPS,
  });
  expect(result.problems).toEqual([]);
});
