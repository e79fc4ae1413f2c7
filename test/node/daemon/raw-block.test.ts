import { closeSync, constants, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isReadOnlyDevice, withDevice } from '../../../src/host/block.ts';
import { type Daemon, startDaemon } from '../../helpers/daemon.ts';
import { type LoopLab, openLoopLab } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';

const MIB = 1 << 20;
const CAPABILITY = { block: {}, access_mode: { mode: 'SINGLE_NODE_MULTI_WRITER' } };

let lab: LoopLab;
let daemon: Daemon;
beforeEach(async () => {
  lab = openLoopLab();
  const directory = join(await lab.filesystem('xfs', 512 * MIB), 'pool');
  const pools = [{ name: 'p', class: 'p', backend: 'image', directory }];
  daemon = await startDaemon({ dir: join(lab.dir, 'daemon'), pools });
  await until('the pool is ready', async () => (await daemon.admin.listPools())[0]!.state === 'ready');
});
afterEach(async () => {
  await daemon.stop();
  lab.dispose();
});

/** Writes as a pod would that has the device at `path`. */
function write(path: string): void {
  const fd = openSync(path, constants.O_RDWR);
  try {
    writeSync(fd, Buffer.alloc(4096, 1));
  } finally {
    closeSync(fd);
  }
}

test('a raw block volume that is published read-only takes no writes until nobody has it read-only', async () => {
  const { csi } = daemon;
  const { volume } = await csi.call<{ volume: { volume_id: string } }>('CreateVolume', {
    name: 'raw',
    capacity_range: { required_bytes: String(8 * MIB) },
    volume_capabilities: [CAPABILITY],
  });
  const common = {
    volume_id: volume.volume_id,
    volume_capability: CAPABILITY,
    staging_target_path: join(lab.dir, 'staging'),
  };
  mkdirSync(common.staging_target_path);
  mkdirSync(join(lab.dir, 'pods'));
  const at = (name: string) => join(lab.dir, 'pods', name);
  const publish = (name: string, readonly: boolean) =>
    csi.call('NodePublishVolume', { ...common, target_path: at(name), readonly });
  const unpublish = (name: string) =>
    csi.call('NodeUnpublishVolume', { volume_id: volume.volume_id, target_path: at(name) });

  await csi.call('NodeStageVolume', common);
  await publish('first', true);
  await publish('first', true);
  await publish('second', true);
  expect(() => write(at('first'))).toThrow(/EACCES|EPERM|EROFS/);
  expect(() => write(at('second'))).toThrow(/EACCES|EPERM|EROFS/);
  await expect(publish('third', false)).rejects.toThrow(/BLOCK_SHARED_OTHERWISE.*read-only at .*first/);

  await unpublish('first');
  await expect(publish('third', false)).rejects.toThrow('BLOCK_SHARED_OTHERWISE');
  await unpublish('second');
  await publish('third', false);
  write(at('third'));
  await expect(publish('first', true)).rejects.toThrow(/BLOCK_SHARED_OTHERWISE.*read-write at .*third/);
  await unpublish('third');

  await publish('first', true);
  const [{ device } = {}] = await daemon.admin.listVolumes();
  await unpublish('first');
  await csi.call('NodeUnstageVolume', { volume_id: common.volume_id, staging_target_path: common.staging_target_path });
  expect(withDevice(device!, isReadOnlyDevice)).toBe(false); // the next file on this device must not inherit it
});
