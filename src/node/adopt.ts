import type { AdoptDisk } from '../admin/index.ts';
import type { Disk, Disks } from '../disks/index.ts';
import { BerthError } from '../errors.ts';
import type { PoolManager } from '../pools/manager.ts';
import type { PoolStatus } from '../volumes/model.ts';
import { type AdoptedPool, type openAdopted, toConfigs } from './adopted.ts';

/**
 * `berth disk adopt`: makes a pool of one disk. The disk must be proved empty, and as it was when the operator looked;
 * the pool is remembered only once it is open.
 */
export async function adoptDisk(
  request: AdoptDisk,
  { disks, manager, adopted }: { disks: Disks; manager: PoolManager; adopted: ReturnType<typeof openAdopted> },
): Promise<PoolStatus> {
  if (manager.pools.some(({ config }) => config.name === request.pool)) {
    throw new BerthError('FIELD_INVALID', { field: 'pool', problem: `a pool named ${request.pool} exists` });
  }
  const shown = await disks.explain(request.disk);
  if (shown.digest !== request.digest) throw new BerthError('DISK_CHANGED', { id: shown.id });
  const disk = await allowLoop(shown, disks);
  if (!isReturning(disk, request.pool)) await (await disks.recheck(disk)).close();

  const described: AdoptedPool = {
    name: request.pool,
    class: request.class,
    backend: request.backend,
    disks: [selectorOf(disk)],
  };
  const [config] = toConfigs([described], 'berth disk adopt');
  await manager.add(config!);
  const pool = manager.pools.find(({ config }) => config.name === request.pool)!;
  const status = pool.status();
  if (status.state !== 'ready') {
    throw new BerthError('POOL_UNAVAILABLE', { pool: request.pool, state: status.state, reason: status.reason ?? '' });
  }
  adopted.add({ ...described, disks: [selectorOf(await carrierOf(status.id!, disk, disks))] });
  return status;
}

/**
 * The disk carries the pool already, since an earlier adoption did not come to its end. An image pool's disk does not
 * say whose it is; opening the pool finds out, and refuses another node's.
 */
const isReturning = ({ pool, verdict }: Disk, wanted: string): boolean =>
  pool !== undefined && (pool.name === undefined || (verdict === 'ours' && pool.name === wanted));

/** A loop device is never free, nor read, unless somebody names it, which is what an operator does here. */
async function allowLoop(disk: Disk, disks: Disks): Promise<Disk> {
  if (disk.transport !== 'loop') return disk;
  const [allowed] = await disks.resolve({ path: disk.path, allowLoop: true });
  return allowed ?? disk;
}

/** With its file system the disk has got a better identity than it had. */
async function carrierOf(poolId: string, before: Disk, disks: Disks): Promise<Disk> {
  if (before.transport === 'loop') return before;
  return (await disks.list()).find((disk) => disk.pool?.uuid === poolId) ?? before;
}

const selectorOf = (disk: Disk): AdoptedPool['disks'][0] =>
  disk.transport === 'loop' ? { path: disk.path, allowLoop: true } : { byId: disk.id };
