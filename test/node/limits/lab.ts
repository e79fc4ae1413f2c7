import { statSync } from 'node:fs';
import { join } from 'node:path';
import { qgroupUsage, subvolumeInfo } from '../../../src/host/btrfs.ts';
import { syncFilesystem } from '../../../src/host/files.ts';
import { withDirectory } from '../../../src/pools/backends/image-usage.ts';
import { type Daemon, type DaemonOptions, startDaemon } from '../../helpers/daemon.ts';
import { type CreateOptions, createKubelet, type Kubelet } from '../../helpers/kubelet.ts';
import { type LoopLab, openLoopLab } from '../../helpers/loop.ts';
import { until } from '../../helpers/until.ts';

const MIB = 1 << 20;
const POOL_BYTES = 1024 * MIB;

/** A pool, and the kind of volume that is asked of it. */
export interface Kind {
  pool: string;
  fsType?: string;
  thin?: boolean;
  sizeBytes: bigint;
}

export interface LimitsLab {
  kubelet: Kubelet;
  daemon: Daemon;
  loops: LoopLab;
  create(kind: Kind, name: string, options?: Pick<CreateOptions, 'sizeBytes' | 'source'>): Promise<string>;
  publish(kind: Kind, volumeId: string): Promise<string>;
  /** What the kernel beneath the volume counts for it, once everything is on the disk. */
  heldBytes(volumeId: string): bigint;
  /** Throws when the volume holds more than its size. */
  requireHeld(volumeId: string, sizeBytes: bigint): void;
  /** Ends the daemon as a crash does, does this, and starts it again. */
  restartDaemon(meanwhile: () => void): Promise<void>;
  /** Where the pool is mounted. */
  poolPath(poolName: string): Promise<string>;
  dispose(): Promise<void>;
}

/** A daemon with a pool of each kind. */
export async function openLimitsLab(): Promise<LimitsLab> {
  const loops = openLoopLab();
  const onLoop = (name: string, backend: string, more = {}): object => {
    const disks = [{ path: loops.device(POOL_BYTES).path, allowLoop: true }];
    return { name, class: name, backend, disks, ...more };
  };
  const ext4 = await loops.filesystem('ext4', POOL_BYTES);
  const options = {
    dir: join(loops.dir, 'daemon'),
    pools: [
      onLoop('qgroup', 'btrfs'),
      onLoop('simple', 'btrfs', { quota: 'simple' }),
      onLoop('on-xfs', 'image'),
      { name: 'on-ext4', class: 'on-ext4', backend: 'image', directory: ext4 },
    ],
  };
  let daemon = await startReady(options);
  let kubelet = createKubelet(daemon.csi, join(loops.dir, 'kubelet'));
  const pools = await daemon.admin.listPools();
  const pathOf = (id: string): string =>
    id === pools.find(({ name }) => name === 'on-ext4')!.id ? ext4 : join(loops.dir, 'daemon/state/pools', id);

  const measure = (volumeId: string): { bytes: bigint; mapBytes: bigint } => {
    const [poolId, uuid] = volumeId.split('.') as [string, string];
    const pool = pathOf(poolId);
    return withDirectory(pool, (root) => {
      syncFilesystem(root);
      const image = statSync(join(pool, 'volumes', `${uuid}.1.img`), { bigint: true, throwIfNoEntry: false });
      // A file's blocks include those that say where its pieces are.
      if (image !== undefined) return { bytes: image.blocks * 512n, mapBytes: image.size / 64n };
      const number = withDirectory(join(pool, 'volumes', `${uuid}.1`), (fd) => subvolumeInfo(fd).id);
      return { bytes: qgroupUsage(root, number)!.referencedBytes, mapBytes: 0n };
    });
  };

  return {
    get kubelet() {
      return kubelet;
    },
    get daemon() {
      return daemon;
    },
    loops,
    create: ({ pool: poolClass, fsType, thin, sizeBytes }, name, options) =>
      kubelet.create(name, { poolClass, sizeBytes, ...(fsType && { fsType }), ...(thin && { thin }), ...options }),
    publish: ({ fsType }, volumeId) => kubelet.publish(volumeId, fsType === undefined ? {} : { fsType }),
    heldBytes: (volumeId) => measure(volumeId).bytes,
    requireHeld(volumeId, sizeBytes) {
      const { bytes, mapBytes } = measure(volumeId);
      if (bytes > sizeBytes + mapBytes) throw new Error(`the volume of ${sizeBytes} bytes holds ${bytes}`);
    },
    async restartDaemon(meanwhile) {
      await daemon.stop('SIGKILL');
      meanwhile();
      daemon = await startReady(options);
      kubelet = createKubelet(daemon.csi, join(loops.dir, 'kubelet'));
    },
    poolPath: async (poolName) => pathOf((await daemon.admin.listPools()).find(({ name }) => name === poolName)!.id!),
    async dispose() {
      await daemon.stop();
      loops.dispose();
    },
  };
}

async function startReady(options: DaemonOptions): Promise<Daemon> {
  const daemon = await startDaemon(options);
  let shown = '';
  await until(
    () => `all pools are ready: ${shown}`,
    async () => {
      const pools = await daemon.admin.listPools();
      shown = pools.map(({ name, state, reason = '' }) => `${name} ${state} ${reason}`).join(', ');
      return pools.every(({ state }) => state === 'ready');
    },
  );
  return daemon;
}
