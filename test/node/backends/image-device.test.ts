import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockSize } from '../../../src/host/block.ts';
import { loopStatus } from '../../../src/host/loop.ts';
import { bindMount, unmount } from '../../../src/host/mount.ts';
import type { ObjectRow } from '../../../src/pools/ledger.ts';
import { loopsBeneath } from '../../helpers/loop.ts';
import { MIB, syncAt, until } from './bench.ts';
import { useImagePool } from './image-bench.ts';

const BLOCK = { content: 'block', sizeBytes: 8n * MIB } as const;

describe.each(['xfs', 'ext4', 'btrfs'] as const)('the loop device of an image on %s', (filesystem) => {
  const pool = useImagePool(filesystem);
  const attach = (row: ObjectRow): string => pool.bench.backend.attach!(pool.bench.placeOf(row), row);
  const detach = (row: ObjectRow): void => pool.bench.backend.detach!(pool.bench.placeOf(row), row);
  const attached = (row: ObjectRow) => pool.bench.backend.attachedDevice!(pool.bench.placeOf(row), row);

  it('is one, however often it is attached and detached', async () => {
    const row = await pool.bench.create(BLOCK);
    const before = loopsBeneath(pool.lab.dir);
    const device = attach(row);
    expect(attach(row)).toBe(device);
    expect(attached(row)).toBe(device);
    expect(loopsBeneath(pool.lab.dir)).toHaveLength(before.length + 1);
    detach(row);
    detach(row);
    expect(attached(row)).toBeUndefined();
    expect(loopsBeneath(pool.lab.dir)).toEqual(before);
  });

  it('goes around the page cache', async () => {
    const row = await pool.bench.create(BLOCK);
    expect(loopStatus(attach(row))).toMatchObject({ directIo: true, readOnly: false });
    detach(row);
  });

  it('stays when it is attached again before its last user has let a detach happen', async () => {
    const row = await pool.bench.create(BLOCK);
    const device = attach(row);
    const user = openSync(device, constants.O_RDONLY);
    detach(row);
    expect(attached(row)).toBeUndefined(); // only somebody's open file is left
    expect(attach(row)).toBe(device);
    closeSync(user);
    expect(attached(row)).toBe(device);
    detach(row);
    expect(attached(row)).toBeUndefined();
  });

  it('counts as attached while a detached volume is still mounted somewhere', async () => {
    const row = await pool.bench.create();
    const target = pool.bench.mount(row);
    const device = attached(row);
    detach(row);
    expect(attached(row)).toBe(device);
    expect(pool.bench.mounts(row).map((mount) => mount.mountPoint)).toEqual([target]);
    unmount(target);
    expect(attached(row)).toBeUndefined();
  });

  it('is as large as the volume, refuses more, and grows while it is open', async () => {
    const row = await pool.bench.create(BLOCK);
    const fd = openSync(attach(row), constants.O_RDWR);
    expect(blockSize(fd)).toBe(8n * MIB);
    const mebibyte = Buffer.alloc(1 << 20, 'berth');
    expect(writeSync(fd, mebibyte, 0, mebibyte.length, 7 << 20)).toBe(mebibyte.length);
    expect(() => writeSync(fd, mebibyte, 0, mebibyte.length, 8 << 20)).toThrow(/ENOSPC/);
    pool.bench.backend.resize(pool.bench.placeOf(row), row, 16n * MIB);
    expect(blockSize(fd)).toBe(16n * MIB);
    expect(writeSync(fd, mebibyte, 0, mebibyte.length, 8 << 20)).toBe(mebibyte.length);
    closeSync(fd);
    detach(row);
  });

  it('is seen where its node is mounted as a raw volume', async () => {
    const row = await pool.bench.create(BLOCK);
    const device = attach(row);
    const target = join(pool.lab.folder(), 'device');
    writeFileSync(target, '');
    bindMount(device, target);
    expect(pool.bench.mounts(row).map((mount) => mount.mountPoint)).toEqual([target]);
    unmount(target);
    expect(pool.bench.mounts(row)).toEqual([]);
    expect(pool.bench.backend.usage(pool.bench.placeOf(row), row, undefined)).toEqual({
      bytes: { total: 8n * MIB, used: 0n, available: 0n },
    });
    detach(row);
  });

  it.runIf(filesystem !== 'ext4')('shows in a snapshot all that was written to it, synced or not', async () => {
    const row = await pool.bench.create(BLOCK);
    const fd = openSync(attach(row), constants.O_RDWR);
    writeSync(fd, Buffer.alloc(1 << 20, 'berth'), 0, 1 << 20, 0);
    const snapshot = await pool.bench.copy(row, { kind: 'snapshot' });
    closeSync(fd);
    expect(pool.read(snapshot).toString('utf8', 0, 5)).toBe('berth');
    detach(row);
  });

  it('gives back what is deleted in a thin volume, and keeps it for a thick one', async () => {
    for (const thin of [true, false]) {
      const row = await pool.bench.create({ content: 'btrfs', sizeBytes: 128n * MIB, thin });
      const target = pool.bench.mount(row, thin ? ['discard=sync'] : []);
      const held = () => pool.bench.backend.heldBytes(pool.bench.placeOf(row), row);
      writeFileSync(join(target, 'data'), Buffer.alloc(32 << 20, 'berth'));
      syncAt(target);
      const full = held();
      rmSync(join(target, 'data'));
      syncAt(target);
      if (thin) await until(() => full - held() >= 30n * MIB, 'the deleted file is given back');
      else expect(held()).toBeGreaterThanOrEqual(row.sizeBytes);
      if (!thin) expect(pool.bench.mounts(row)[0]!.superOptions.join()).not.toMatch(/discard/);
      pool.bench.unmount(row, target);
      await pool.bench.free(row);
    }
  });

  it('stays as it was when a thick volume has no room to grow', async () => {
    const row = await pool.bench.create({ ...BLOCK, thin: false });
    const fd = openSync(attach(row), constants.O_RDONLY);
    expect(() => pool.bench.backend.resize(pool.bench.placeOf(row), row, 4096n * MIB)).toThrow(/ENOSPC/);
    expect(BigInt(statSync(pool.file(row)).size)).toBe(row.sizeBytes);
    expect(blockSize(fd)).toBe(row.sizeBytes);
    closeSync(fd);
    detach(row);
  });

  it('needs no more space for what is written again', async () => {
    const row = await pool.bench.create({ content: 'block', sizeBytes: 32n * MIB, thin: false });
    const fd = openSync(attach(row), constants.O_RDWR);
    const block = Buffer.alloc(4096, 'berth');
    const write = (everyBytes: number): bigint => {
      for (let position = 0; position < 32 << 20; position += everyBytes)
        writeSync(fd, block, 0, block.length, position);
      fsyncSync(fd);
      return pool.bench.freeBytes();
    };
    const written = write(4096);
    expect(write(8192)).toBeGreaterThanOrEqual(written - 2n * MIB);
    closeSync(fd);
    detach(row);
  });

  it('is found by the file itself, not by a name that looks alike', async () => {
    const row = await pool.bench.create(BLOCK);
    const impostor = join(pool.lab.folder(), basename(pool.file(row)));
    writeFileSync(impostor, readFileSync(pool.file(row)));
    const path = pool.lab.attach(impostor);
    expect(attached(row)).toBeUndefined();
    expect(attach(row)).not.toBe(path);
    detach(row);
    expect(loopStatus(path)).toBeDefined();
  });
});
