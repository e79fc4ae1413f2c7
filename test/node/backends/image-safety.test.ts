import {
  closeSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createImageBackend } from '../../../src/pools/backends/image.ts';
import type { ObjectRow } from '../../../src/pools/ledger.ts';
import { MIB } from './bench.ts';
import { useImagePool } from './image-bench.ts';

/** Where the superblock of a btrfs has its UUID. */
const BTRFS_UUID_AT = 65_536 + 32;

describe('an image pool', () => {
  const pool = useImagePool('xfs');
  afterEach(() => void vi.unstubAllEnvs());

  const verify = async (row: ObjectRow): Promise<void> => {
    const place = pool.bench.placeOf(row);
    const device = pool.bench.backend.attach!(place, row);
    try {
      await pool.bench.backend.verifyContent!(device, row);
    } finally {
      pool.bench.backend.detach!(place, row);
    }
  };

  it.each([
    ['ext4', 32n * MIB],
    ['xfs', 300n * MIB],
    ['btrfs', 128n * MIB],
  ] as const)('knows %s again, and leaves alone what is something else', async (content, sizeBytes) => {
    const row = await pool.bench.create({ content, sizeBytes });
    await verify(row);
    writeFirstBytes(pool.file(row), Buffer.alloc(1 << 20));
    const before = pool.read(row);
    await expect(verify(row)).rejects.toMatchObject({ code: 'VOLUME_DAMAGED' });
    expect(pool.read(row).equals(before)).toBe(true);
    await pool.bench.free(row);
  });

  it('sees a file that has become shorter', async () => {
    const row = await pool.bench.create();
    truncateSync(pool.file(row), 16 << 20);
    await expect(verify(row)).rejects.toThrow(/16777216 bytes instead of 33554432/);
  });

  it.each(['ext4', 'xfs', 'btrfs'] as const)('makes no %s where a byte was ever written', async (content) => {
    const row = pool.bench.rowOf({ content, sizeBytes: 300n * MIB });
    pool.bench.backend.make(pool.bench.placeOf(row), row);
    const fd = openSync(pool.file(row), 'r+');
    writeSync(fd, 'x', 200 << 20);
    closeSync(fd);
    const blocks = statSync(pool.file(row)).blocks;
    await expect(pool.bench.backend.format!(pool.bench.placeOf(row), row)).rejects.toMatchObject({
      code: 'VOLUME_DAMAGED',
    });
    expect(statSync(pool.file(row)).blocks).toBe(blocks);
  });

  it.each(['ext4', 'xfs', 'btrfs'] as const)('makes %s at the smallest size that it tells', async (content) => {
    const sizeBytes = pool.bench.backend.minimumBytes(content);
    const row = await pool.bench.create({ content, sizeBytes });
    const target = pool.bench.mount(row);
    writeFileSync(join(target, 'data'), 'x');
    pool.bench.unmount(row, target);
    await pool.bench.free(row);
  });

  it("gives the file system the volume's own UUID", async () => {
    const row = await pool.bench.create();
    const uuid = pool
      .read(row)
      .subarray(1024 + 104, 1024 + 120)
      .toString('hex');
    expect(uuid).toBe(row.uuid.replaceAll('-', ''));
  });

  it('gives a copied btrfs a UUID of its own, since older kernels mount no two with the same', async () => {
    const row = await pool.bench.create({ content: 'btrfs', sizeBytes: 128n * MIB });
    const clone = await pool.bench.copy(row);
    const restored = await pool.bench.copy(await pool.bench.copy(row, { kind: 'snapshot' }));
    const rows = [row, clone, restored, await pool.bench.copy(restored)];
    const uuids = rows.map((one) =>
      pool
        .read(one)
        .subarray(BTRFS_UUID_AT, BTRFS_UUID_AT + 16)
        .toString('hex'),
    );
    expect(new Set(uuids).size).toBe(rows.length);
    for (const one of rows) pool.bench.unmount(one, pool.bench.mount(one));
  });

  it('lets no ext4 write zeros over what is zeros already', async () => {
    const row = await pool.bench.create();
    const target = pool.bench.mount(row);
    expect(pool.bench.mounts(row)[0]!.superOptions).toContain('noinit_itable');
    pool.bench.unmount(row, target);
  });

  it('says which tool is missing', async () => {
    const row = pool.bench.rowOf({ content: 'xfs', sizeBytes: 300n * MIB });
    pool.bench.backend.make(pool.bench.placeOf(row), row);
    vi.stubEnv('PATH', '/nowhere');
    await expect(pool.bench.backend.format!(pool.bench.placeOf(row), row)).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      details: { tool: 'mkfs.xfs' },
    });
  });

  it('has no room for a thick volume that does not fit, but for a thin one', async () => {
    const thick = pool.bench.rowOf({ content: 'block', sizeBytes: 4096n * MIB, thin: false });
    expect(() => pool.bench.backend.make(pool.bench.placeOf(thick), thick)).toThrow(/ENOSPC/);
    await pool.bench.free(thick);
    const thin = await pool.bench.create({ content: 'block', sizeBytes: 4096n * MIB });
    expect(pool.bench.backend.heldBytes(pool.bench.placeOf(thin), thin)).toBeLessThan(MIB);
  });

  it('follows no link out of the pool', async () => {
    const row = await pool.bench.create({ content: 'block', sizeBytes: MIB });
    const outside = join(pool.lab.folder(), 'precious');
    writeFileSync(outside, 'precious');
    rmSync(pool.file(row));
    symlinkSync(outside, pool.file(row));
    const place = pool.bench.placeOf(row);
    expect(() => pool.bench.backend.identify(place)).toThrow(/ELOOP/);
    expect(() => pool.bench.backend.attach!(place, row)).toThrow(/ELOOP/);
    expect(() => pool.bench.backend.resize(place, row, 2n * MIB)).toThrow(/ELOOP/);
    await expect(pool.bench.free(row)).rejects.toThrow(/ELOOP/);
    expect(readFileSync(outside, 'utf8')).toBe('precious');
  });

  it('goes on freeing where it stopped', async () => {
    const row = await pool.bench.create({ content: 'block', sizeBytes: 3072n * MIB });
    const left: bigint[] = [];
    const stop = new Error('stopped');
    const free = (progress: (doneBytes: bigint) => void): Promise<void> =>
      pool.bench.backend.free(pool.bench.placeOf(row), row, progress);
    await expect(
      free(() => {
        throw stop;
      }),
    ).rejects.toBe(stop);
    expect(pool.bench.backend.identify(pool.bench.placeOf(row))).toBe(row.identity);
    await free((doneBytes) => left.push(doneBytes));
    expect(left).toEqual([2048n * MIB, 3072n * MIB]);
    expect(pool.bench.backend.identify(pool.bench.placeOf(row))).toBeUndefined();
  });

  it('is refused where files cannot be what images need', () => {
    const fd = openSync('/sys', 'r');
    expect(() => createImageBackend({ poolDirPath: '/sys', poolDirFd: fd, defaultFilesystem: 'ext4' })).toThrow(
      expect.objectContaining({ code: 'POOL_UNSUITABLE' }),
    );
    closeSync(fd);
  });
});

function writeFirstBytes(file: string, bytes: Buffer): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, bytes, 0, bytes.length, 0);
  closeSync(fd);
}
