import { describe } from 'vitest';
import { createImageBackend } from '../../../src/pools/backends/image.ts';
import type { LoopFilesystemType } from '../../helpers/loop.ts';
import { MIB } from './bench.ts';
import { contractOf } from './contract.ts';

describe.each<LoopFilesystemType>(['xfs', 'ext4', 'btrfs'])('on %s', (filesystem) => {
  contractOf('image', {
    filesystem,
    poolBytes: 512 << 20,
    sizeBytes: 32n * MIB,
    createBackend: (layout, poolDirPath) =>
      createImageBackend({ poolDirPath, poolDirFd: layout.rootFd, defaultFilesystem: 'ext4' }),
  });
});
