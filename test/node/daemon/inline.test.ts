import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Daemon, startDaemon } from '../../helpers/daemon.ts';
import { type LoopLab, openLoopLab } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';

const MIB = 1 << 20;
const HANDLE = `csi-${'a1'.repeat(32)}`;

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

test.each(['btrfs', 'image'] as const)('an inline volume on %s lives and ends with its pod', async (backend) => {
  const storage =
    backend === 'btrfs'
      ? { disks: [{ path: lab.device(512 * MIB).path, allowLoop: true }] }
      : { directory: join(await lab.filesystem('xfs', 512 * MIB), 'pool') };
  const options = { dir: join(lab.dir, 'daemon'), pools: [{ name: 'p', class: 'p', backend, ...storage }] };
  const start = async (): Promise<Daemon> => {
    daemon = await startDaemon(options);
    await until('the pool is ready', async () => (await daemon!.admin.listPools())[0]!.state === 'ready');
    return daemon;
  };
  const target = join(lab.dir, 'pods', 'target');
  mkdirSync(join(lab.dir, 'pods'));
  const request = {
    volume_id: HANDLE,
    target_path: target,
    volume_capability: { mount: { fs_type: '' }, access_mode: { mode: 'SINGLE_NODE_WRITER' } },
    volume_context: { 'csi.storage.k8s.io/ephemeral': 'true', size: '32Mi' },
  };
  const first = await start();
  await first.csi.call('NodePublishVolume', request);
  writeFileSync(join(target, 'data'), 'of the pod');
  await first.stop();
  const second = await start();
  await second.csi.call('NodePublishVolume', request);
  expect(readFileSync(join(target, 'data'), 'utf8')).toBe('of the pod');
  expect(await second.admin.listVolumes()).toHaveLength(1);

  await second.csi.call('NodeUnpublishVolume', { volume_id: HANDLE, target_path: target });
  await second.csi.call('NodeUnpublishVolume', { volume_id: HANDLE, target_path: target });
  expect(existsSync(target)).toBe(false);
  expect(await second.admin.listVolumes()).toEqual([]);
  expect(readdirSync(join(lab.dir, 'daemon', 'state', 'inline'))).toEqual([]);
});
