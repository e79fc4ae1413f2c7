import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { enableQuota, type QuotaMode } from '../../../src/host/btrfs.ts';
import { mountHolding, readMounts } from '../../../src/host/mountinfo.ts';
import { createBtrfsBackend } from '../../../src/pools/backends/btrfs.ts';
import { MIB } from './bench.ts';
import { contractOf } from './contract.ts';

describe.each<QuotaMode>(['qgroup', 'simple'])('quota mode %s', (mode) => {
  contractOf(
    'btrfs',
    {
      filesystem: 'btrfs',
      poolBytes: 512 << 20,
      sizeBytes: 32n * MIB,
      createBackend(layout, poolDir) {
        enableQuota(layout.rootFd, mode);
        return createBtrfsBackend(layout.rootFd, mountHolding(poolDir, readMounts()).device, '');
      },
    },
    (bench) => {
      it('lets nobody write to a snapshot', async () => {
        const row = await bench().create();
        const snapshot = await bench().copy(row, { kind: 'snapshot' });
        const target = bench().mount(snapshot);
        expect(() => writeFileSync(join(target, 'data'), 'x')).toThrow(/EROFS/);
        bench().unmount(snapshot, target);
        await bench().free(snapshot);
        await bench().free(row);
      });
    },
  );
});
