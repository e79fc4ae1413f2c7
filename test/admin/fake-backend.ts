import type { AdminBackend } from '../../src/admin/index.ts';
import type { DiskView } from '../../src/admin/wire/disks.ts';
import type { Disk } from '../../src/disks/index.ts';
import { BerthError } from '../../src/errors.ts';
import { CREATED_AT, type FakeState, fakePool, fakeService } from './fake-service.ts';

export function fakeDisk(changes: Partial<DiskView> = {}): Disk {
  const disk: DiskView = {
    id: 'nvme-eui.0025385b71b0a1c2',
    identities: ['nvme-eui.0025385b71b0a1c2'],
    verdict: 'free',
    reasons: [{ code: 'EMPTY', message: 'nothing is on it', effect: 'note' }],
    digest: 'd1'.repeat(32),
    path: '/dev/nvme1n1',
    kernelName: 'nvme1n1',
    sizeBytes: 1_920_383_410_176n,
    model: 'SAMSUNG MZQL21T9',
    vendor: 'Samsung',
    serial: 'S64GNE0R',
    wwn: 'eui.0025385b71b0a1c2',
    media: 'ssd',
    transport: 'nvme',
    byId: ['nvme-SAMSUNG_MZQL21T9_S64GNE0R', 'nvme-eui.0025385b71b0a1c2'],
    partitions: [],
    mounts: [],
    ...changes,
  };
  return disk as Disk;
}

const usedDisk = fakeDisk({
  id: 'ata-WDC_WD4003_V1',
  identities: ['ata-WDC_WD4003_V1'],
  verdict: 'used',
  reasons: [
    { code: 'MOUNTED', message: 'mounted at /', effect: 'used' },
    { code: 'SYSTEM_DISK', message: 'the machine runs from it', effect: 'used' },
  ],
  digest: 'd2'.repeat(32),
  path: '/dev/sda',
  kernelName: 'sda',
  sizeBytes: 4_000_787_030_016n,
  model: 'WDC WD4003',
  serial: 'V1',
  media: 'hdd',
  transport: 'sata',
  byId: ['ata-WDC_WD4003_V1'],
  partitions: ['sda1', 'sda2'],
  mounts: ['/'],
  wwn: undefined,
});

export function fakeBackend(state: FakeState, stagingDir: string): AdminBackend {
  const disks = [fakeDisk(), usedDisk];
  return {
    service: fakeService(state),
    disks: {
      list: async () => disks,
      async explain(name) {
        const disk = disks.find(({ id, path, kernelName }) => [id, path, kernelName].includes(name));
        if (disk === undefined) throw new BerthError('DISK_NOT_FOUND', { id: name });
        return disk;
      },
      facts: async () => new Map([['/dev/nvme1n1', { firmware: 'GDC5902Q', temperatureCelsius: 38, health: 'Ok' }]]),
    },
    stagingDir,
    async adoptDisk(request) {
      state.calls.push(`adoptDisk ${JSON.stringify(request)}`);
      if (request.digest !== disks[0]!.digest) throw new BerthError('DISK_CHANGED', { id: request.disk });
      return fakePool({ name: request.pool, class: request.class, backend: request.backend });
    },
    async importPool(request) {
      state.calls.push(`importPool ${JSON.stringify(request)}`);
      const pool = state.pools.find(({ id, name }) => id === request.pool || name === request.pool);
      if (pool === undefined) throw new BerthError('POOL_UNKNOWN', { pool: request.pool });
      return { ...pool, state: 'ready', reason: undefined };
    },
    async forgetPool(request) {
      state.calls.push(`forgetPool ${JSON.stringify(request)}`);
      if (request.pool !== 'nvme') throw new BerthError('POOL_UNKNOWN', { pool: request.pool });
    },
    status: () => ({
      version: '0.1.0',
      mode: 'node',
      node: { name: 'n1', zone: 'z1' },
      startedAt: CREATED_AT,
      csiSocket: '/run/berth/csi.sock',
      httpListen: '127.0.0.1:9810',
      ready: true,
      problems: state.pools.flatMap(({ name, reason }) => (reason ? [`pool ${name}: ${reason}`] : [])),
    }),
  };
}
