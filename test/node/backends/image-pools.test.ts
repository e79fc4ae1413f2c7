import { describe } from 'vitest';
import { hasCapability } from '../../../src/host/capability.ts';
import { createImageBackend } from '../../../src/pools/backends/image.ts';
import type { LoopFilesystemType } from '../../helpers/loop.ts';
import { MIB } from './bench.ts';
import { contractOf } from './contract.ts';

const pairs: { pool: LoopFilesystemType; content: LoopFilesystemType; sizeBytes: bigint }[] = [
  { pool: 'xfs', content: 'ext4', sizeBytes: 32n * MIB },
  { pool: 'xfs', content: 'xfs', sizeBytes: 300n * MIB },
  { pool: 'xfs', content: 'btrfs', sizeBytes: 128n * MIB },
  { pool: 'ext4', content: 'ext4', sizeBytes: 32n * MIB },
  { pool: 'ext4', content: 'btrfs', sizeBytes: 128n * MIB },
  { pool: 'btrfs', content: 'ext4', sizeBytes: 32n * MIB },
];

describe.each(pairs)('$content on $pool', ({ pool, content, sizeBytes }) => {
  contractOf('image', {
    filesystem: pool,
    poolBytes: 2 * 1024 ** 3,
    sizeBytes,
    createBackend: (layout, poolDirPath) =>
      createImageBackend({ poolDirPath, poolDirFd: layout.rootFd, defaultFilesystem: content }),
    growthSkipped: content === 'ext4' && !hasCapability('CAP_SYS_RESOURCE') ? 'CAP_SYS_RESOURCE is missing' : undefined,
  });
});
