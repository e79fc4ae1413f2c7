import { chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createDirectoryBackend } from '../../../src/pools/backends/directory.ts';
import { openLoopLab } from '../../helpers/loop.ts';
import { MIB, openBench } from './bench.ts';
import { contractOf } from './contract.ts';

const NOBODY = 65_534;

contractOf('directory', {
  filesystem: 'ext4',
  poolBytes: 512 << 20,
  sizeBytes: 32n * MIB,
  createBackend: (_layout, poolDirPath) => createDirectoryBackend({ poolDirPath }),
});

describe('a directory pool of an ordinary user', () => {
  const lab = openLoopLab();
  afterAll(() => lab.dispose());

  it('does everything but mounting', async () => {
    chownSync(lab.dir, NOBODY, NOBODY);
    process.seteuid!(NOBODY);
    try {
      const poolDir = join(lab.dir, 'pool');
      mkdirSync(poolDir);
      const bench = openBench({
        poolDir,
        createBackend: () => createDirectoryBackend({ poolDirPath: poolDir }),
        sizeBytes: 32n * MIB,
      });
      const row = await bench.create();
      const pathOf = (of: typeof row) => join(bench.placeOf(of).dirPath, bench.placeOf(of).name);
      writeFileSync(join(pathOf(row), 'data'), 'kept');
      symlinkSync('/etc/passwd', join(pathOf(row), 'link'));
      const clone = await bench.copy(row);
      expect(readFileSync(join(pathOf(clone), 'data'), 'utf8')).toBe('kept');
      const { bytes, inodes } = bench.backend.usage(bench.placeOf(clone), clone, undefined);
      expect(inodes!.used).toBe(3n); // the link counts, what it points to does not
      expect(bytes.used).toBeLessThan(64n << 10n);
      expect(() => bench.mount(row)).toThrow(expect.objectContaining({ code: 'ROOT_REQUIRED' }));
      for (const gone of [row, clone]) {
        await bench.free(gone);
        await bench.free(gone);
        expect(bench.backend.identify(bench.placeOf(gone))).toBeUndefined();
      }
      expect(readFileSync('/etc/passwd', 'utf8')).not.toBe('');
      bench.close();
    } finally {
      process.seteuid!(0);
    }
  });
});
