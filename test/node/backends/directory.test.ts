import { createDirectoryBackend } from '../../../src/pools/backends/directory.ts';
import { MIB } from './bench.ts';
import { contractOf } from './contract.ts';

contractOf('directory', {
  filesystem: 'ext4',
  poolBytes: 512 << 20,
  sizeBytes: 32n * MIB,
  createBackend: (_layout, poolDirPath) => createDirectoryBackend({ poolDirPath }),
});
