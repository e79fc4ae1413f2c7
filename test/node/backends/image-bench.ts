import { readFileSync } from 'node:fs';
import { afterAll, beforeAll } from 'vitest';
import { createImageBackend } from '../../../src/pools/backends/image.ts';
import type { ObjectRow } from '../../../src/pools/ledger.ts';
import { type LoopFilesystemType, type LoopLab, openLoopLab } from '../../helpers/loop.ts';
import { type Bench, MIB, openBench } from './bench.ts';

/** An image pool for the tests of the describe block that it is called in. */
export function useImagePool(filesystem: LoopFilesystemType, poolBytes = 1024 ** 3) {
  let lab: LoopLab | undefined;
  let bench: Bench | undefined;
  beforeAll(async () => {
    lab = openLoopLab();
    const poolDir = await lab.filesystem(filesystem, poolBytes);
    bench = openBench({
      poolDir,
      createBackend: (layout) =>
        createImageBackend({ poolDirPath: poolDir, poolDirFd: layout.rootFd, defaultFilesystem: 'ext4' }),
      sizeBytes: 32n * MIB,
    });
  });
  afterAll(() => {
    bench?.close();
    lab?.dispose();
  });
  return {
    get bench(): Bench {
      return bench!;
    },
    get lab(): LoopLab {
      return lab!;
    },
    /** Where the image of a volume is. */
    file(row: ObjectRow): string {
      const { dirPath, name } = bench!.placeOf(row);
      return `${dirPath}/${name}`;
    },
    read(row: ObjectRow): Buffer {
      return readFileSync(this.file(row));
    },
  };
}
