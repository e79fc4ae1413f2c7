import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bindMount, unmount } from '../../../src/host/mount.ts';
import type { BackendDriver } from '../../../src/pools/backend.ts';
import type { Layout } from '../../../src/pools/layout.ts';
import { type LoopFilesystemType, type LoopLab, loopsBeneath, openLoopLab } from '../../helpers/loop.ts';
import { type Bench, MIB, openBench, syncAt, until, writeUntilRefused } from './bench.ts';

export interface ContractOptions {
  filesystem: LoopFilesystemType;
  poolBytes: number;
  createBackend(layout: Layout, poolDir: string): BackendDriver;
  sizeBytes: bigint;
  /** Why growing cannot be shown on this machine. */
  growthSkipped?: string | undefined;
}

/** What every backend owes to the operations above it. `more` adds tests of the backend's own on the same pool. */
export function contractOf(
  name: string,
  options: ContractOptions,
  more?: (bench: () => Bench, lab: () => LoopLab) => void,
): void {
  describe(name, () => {
    let lab: LoopLab;
    let bench: Bench;

    beforeAll(async () => {
      lab = openLoopLab();
      const poolDir = await lab.filesystem(options.filesystem, options.poolBytes);
      bench = openBench({
        poolDir,
        createBackend: (layout) => options.createBackend(layout, poolDir),
        sizeBytes: options.sizeBytes,
      });
    });
    afterAll(() => {
      bench?.close();
      lab.dispose();
      expect(loopsBeneath(lab.dir)).toEqual([]);
    });

    it('makes a volume with an identity, once', async () => {
      const row = await bench.create();
      const place = bench.placeOf(row);
      expect(bench.backend.identify(place)).toBe(row.identity);
      expect(() => bench.backend.make(place, row)).toThrow(/EEXIST/);
      expect(bench.backend.identify({ ...place, name: 'nothing' })).toBeUndefined();
      await bench.free(row);
    });

    it('gives what takes the place of a volume another identity', async () => {
      const row = await bench.create();
      await bench.free(row);
      const second = await bench.create({ uuid: row.uuid });
      expect(bench.backend.identify(bench.placeOf(row))).toBe(second.identity);
      expect(second.identity).not.toBe(row.identity);
      await bench.free(second);
    });

    it('stops a writer at the size, and no neighbour with it', async () => {
      const [row, neighbour] = [await bench.create(), await bench.create()];
      const [target, other] = [bench.mount(row), bench.mount(neighbour)];
      const { bytes, code } = writeUntilRefused(join(target, 'data'), row.sizeBytes + 8n * MIB);
      if (bench.backend.limitsEnforced) {
        expect(code).toMatch(/^(ENOSPC|EDQUOT)$/);
        expect(bytes).toBeGreaterThan(0n);
        expect(bytes).toBeLessThanOrEqual(row.sizeBytes);
      } else {
        expect(code).toBeUndefined();
      }
      expect(writeUntilRefused(join(other, 'data'), 2n * MIB)).toEqual({ bytes: 2n * MIB, code: undefined });
      await drop([row, target], [neighbour, other]);
    });

    it('copies a volume as it is at that moment', async () => {
      const row = await bench.create();
      const target = bench.mount(row);
      writeFileSync(join(target, 'data'), 'before');
      writeUntilRefused(join(target, 'more'), 4n * MIB);
      const snapshot = await bench.copy(row, { kind: 'snapshot' });
      writeFileSync(join(target, 'data'), 'after');
      const clone = await bench.copy(snapshot);
      const cloned = bench.mount(clone);
      expect(readFileSync(join(cloned, 'data'), 'utf8')).toBe('before');
      expect(readFileSync(join(target, 'data'), 'utf8')).toBe('after');
      expect(new Set([row, snapshot, clone].map(({ identity }) => identity)).size).toBe(3);
      expect(bench.backend.heldBytes(bench.placeOf(snapshot), snapshot)).toBeGreaterThanOrEqual(4n * MIB);
      await drop([row, target], [clone, cloned]);
      await bench.free(snapshot);
    });

    it('keeps a copy when its source goes', async () => {
      const row = await bench.create();
      const target = bench.mount(row);
      writeFileSync(join(target, 'data'), 'kept');
      const clone = await bench.copy(row);
      await drop([row, target]);
      const cloned = bench.mount(clone);
      expect(readFileSync(join(cloned, 'data'), 'utf8')).toBe('kept');
      await drop([clone, cloned]);
    });

    it.skipIf(options.growthSkipped)('grows a copy that is larger than its source', async () => {
      const row = await bench.create();
      const target = bench.mount(row);
      writeFileSync(join(target, 'data'), 'kept');
      const clone = await bench.copy(row, { sizeBytes: row.sizeBytes * 2n });
      const cloned = bench.mount(clone);
      await bench.backend.growFilesystem?.(bench.placeOf(clone), clone, cloned);
      const { bytes } = writeUntilRefused(join(cloned, 'more'), row.sizeBytes + 2n * MIB);
      expect(bytes).toBeGreaterThan(row.sizeBytes);
      expect(readFileSync(join(cloned, 'data'), 'utf8')).toBe('kept');
      await drop([row, target], [clone, cloned]);
    });

    it.skipIf(options.growthSkipped)('grows a volume while it is written', async () => {
      const row = await bench.create();
      const target = bench.mount(row);
      const before = writeUntilRefused(join(target, 'data'), row.sizeBytes + MIB);
      const larger = { ...row, sizeBytes: row.sizeBytes * 2n };
      bench.backend.resize(bench.placeOf(row), row, larger.sizeBytes);
      bench.backend.resize(bench.placeOf(row), larger, larger.sizeBytes); // a repeated call changes nothing
      await bench.backend.growFilesystem?.(bench.placeOf(row), larger, target);
      const after = writeUntilRefused(join(target, 'more'), larger.sizeBytes);
      expect(before.bytes + after.bytes).toBeGreaterThan(row.sizeBytes);
      if (bench.backend.limitsEnforced) expect(before.bytes + after.bytes).toBeLessThanOrEqual(larger.sizeBytes);
      await drop([row, target]);
    });

    it('tells bytes and inodes', async () => {
      const row = await bench.create();
      const target = bench.mount(row);
      const empty = usageOf(target, row);
      writeUntilRefused(join(target, 'data'), 4n * MIB);
      for (let index = 0; index < 10; index++) writeFileSync(join(target, `file-${index}`), 'x');
      // btrfs counts at its commits, and the plain directory remembers for a while.
      syncAt(target);
      if (bench.backend.kind !== 'directory') {
        const used = usageOf(target, row);
        expect(used.bytes.used - empty.bytes.used).toBeGreaterThanOrEqual(4n * MIB);
        expect(used.bytes.total).toBeLessThanOrEqual(row.sizeBytes);
        expect(used.inodes!.used - empty.inodes!.used).toBe(11n);
      }
      expect(empty.bytes.used + empty.bytes.available).toBeLessThanOrEqual(empty.bytes.total);
      expect(empty.inodes!.total).toBeGreaterThan(10n);
      await drop([row, target]);
    });

    it('finds all mounts of a volume and no others', async () => {
      const [row, neighbour] = [await bench.create(), await bench.create()];
      const [target, other] = [bench.mount(row), bench.mount(neighbour)];
      const bound = lab.folder('bound');
      mkdirSync(join(target, 'inside'));
      bindMount(join(target, 'inside'), bound, ['ro']);
      expect(bench.mounts(row).map((mount) => mount.mountPoint)).toEqual([target, bound]);
      expect(bench.mounts(neighbour).map((mount) => mount.mountPoint)).toEqual([other]);
      unmount(bound);
      await drop([row, target], [neighbour, other]);
      expect(bench.mounts(row)).toEqual([]);
    });

    it('gives the space back, however often it is asked', async () => {
      const before = bench.freeBytes();
      const row = await bench.create();
      const target = bench.mount(row);
      writeUntilRefused(join(target, 'data'), 8n * MIB);
      expect(bench.freeBytes()).toBeLessThanOrEqual(before - 8n * MIB);
      await drop([row, target]);
      await bench.free(row);
      expect(bench.backend.identify(bench.placeOf(row))).toBeUndefined();
      await until(() => bench.freeBytes() >= before - 2n * MIB, 'the space is free');
    });

    more?.(
      () => bench,
      () => lab,
    );

    const usageOf = (target: string, row: Parameters<Bench['mount']>[0]) =>
      bench.backend.usage(bench.placeOf(row), row, target);
    const drop = async (...mounted: [Parameters<Bench['mount']>[0], string][]): Promise<void> => {
      for (const [row, target] of mounted) {
        bench.unmount(row, target);
        expect(bench.backend.attachedDevice?.(bench.placeOf(row), row)).toBeUndefined();
        await bench.free(row);
      }
    };
  });
}
