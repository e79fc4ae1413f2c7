/** The guest's part of growth.sh. */
import { closeSync, fsyncSync, openSync, readFileSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { startDaemon } from '../helpers/daemon.ts';
import { createKubelet } from '../helpers/kubelet.ts';
import { until } from '../helpers/until.ts';
import { createStep } from './step.ts';

const DIR = '/run/berth';
const MIB = 1n << 20n;
const BEFORE = 320n * MIB;
const AFTER = 640n * MIB;
/** The emulated machine is slow. */
const timeoutMs = 120_000;
const step = createStep(() => readFileSync(`${DIR}/log`, 'utf8').slice(-8_000));

const pool = { name: 'nvme', class: 'fast', backend: 'image', disks: [{ byId: 'nvme-QEMU_NVMe_Ctrl_NVME0' }] };
const daemon = await step('the pool comes up', async () => {
  const started = await startDaemon({ dir: DIR, pools: [pool] });
  const isReady = async (): Promise<boolean> => (await started.admin.listPools())[0]?.state === 'ready';
  await until('the pool is ready', isReady, timeoutMs);
  return started;
});
const kubelet = createKubelet(daemon.csi, `${DIR}/kubelet`);

/** Bytes that the file system at `path` says it has. */
const sizeOf = (path: string): bigint => {
  const { blocks, bsize } = statfsSync(path, { bigint: true });
  return blocks * bsize;
};

for (const fsType of ['ext4', 'xfs', 'btrfs']) {
  await step(`${fsType} grows while it is written`, async () => {
    const id = await kubelet.create(fsType, { fsType, sizeBytes: BEFORE, timeoutMs });
    const path = await kubelet.publish(id, { fsType, timeoutMs });
    const fd = openSync(join(path, 'data'), 'w');
    const chunk = Buffer.alloc(1 << 20, 'x');
    const sizeBefore = sizeOf(path);
    for (let done = 0n; done < 200n * MIB; done += MIB) writeSync(fd, chunk);
    const growing = kubelet.expand(id, AFTER);
    let grown = false;
    void growing.then(() => {
      grown = true;
    });
    for (let done = 200n * MIB; done < 500n * MIB; ) {
      try {
        done += BigInt(writeSync(fd, chunk));
      } catch (error) {
        // Full, until the growth is done.
        if (grown || (error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
      await new Promise(setImmediate);
    }
    await growing;
    fsyncSync(fd);
    closeSync(fd);
    const sizeAfter = sizeOf(path);
    if (sizeAfter - sizeBefore < (AFTER - BEFORE) / 2n) throw new Error(`${sizeBefore} bytes became ${sizeAfter}`);
    await kubelet.unpublish(id, { timeoutMs });
    await kubelet.remove(id);
  });
}
await daemon.stop();
