import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Capability, Volume } from '../../src/volumes/model.ts';
import { chooseContent, chooseSize, explainMismatch } from '../../src/volumes/sizes.ts';

const MIB = 1n << 20n;
const bounds = { granularityBytes: 4096n, minimumBytes: MIB };

describe('chooseSize', () => {
  test.each([
    ['what is required', { requiredBytes: 64n * MIB, limitBytes: 0n }, 64n * MIB],
    ['rounded up', { requiredBytes: 64n * MIB + 1n, limitBytes: 0n }, 64n * MIB + 4096n],
    ['at least the minimum', { requiredBytes: 1n, limitBytes: 0n }, MIB],
    ['1 GiB when nobody says', { requiredBytes: 0n, limitBytes: 0n }, 1024n * MIB],
    ['the limit when that is all that is said', { requiredBytes: 0n, limitBytes: 10n * MIB + 5n }, 10n * MIB],
    ['exactly, when both are equal', { requiredBytes: 8n * MIB, limitBytes: 8n * MIB }, 8n * MIB],
  ])('gives %s', (_what, size, expected) => {
    expect(chooseSize(size, bounds)).toBe(expected);
  });

  test.each([
    [{ requiredBytes: 64n * MIB + 1n, limitBytes: 64n * MIB + 2n }],
    [{ requiredBytes: 0n, limitBytes: 4096n }],
    [{ requiredBytes: 2n ** 63n - 1n, limitBytes: 0n }],
  ])('refuses %o', (size) => {
    expect(() => chooseSize(size, bounds)).toThrow(expect.objectContaining({ code: 'SIZE_RANGE_EMPTY' }));
  });

  test('never leaves the range and always keeps the granularity', () => {
    const bytes = fc.bigInt({ min: 0n, max: 1n << 50n });
    fc.assert(
      fc.property(bytes, bytes, (requiredBytes, limitBytes) => {
        let size: bigint;
        try {
          size = chooseSize({ requiredBytes, limitBytes }, bounds);
        } catch {
          return;
        }
        expect(size % 4096n).toBe(0n);
        expect(size).toBeGreaterThanOrEqual(requiredBytes);
        if (limitBytes > 0n) expect(size).toBeLessThanOrEqual(limitBytes);
      }),
    );
  });
});

const mount = (fsType = '', mode: Capability['mode'] = 'SINGLE_NODE_WRITER'): Capability => ({
  access: { kind: 'mount', fsType, mountOptions: [] },
  mode,
});
const block: Capability = { access: { kind: 'block' }, mode: 'SINGLE_NODE_WRITER' };
const image = { filesystems: ['ext4', 'xfs'], defaultFilesystem: 'ext4', blockVolumes: true, shared: false } as const;
const btrfs = { filesystems: ['btrfs'], defaultFilesystem: 'btrfs', blockVolumes: false, shared: false } as const;

describe('chooseContent', () => {
  test('takes what is asked for, or the pool’s own file system', () => {
    expect(chooseContent([mount('xfs')], image)).toBe('xfs');
    expect(chooseContent([mount()], image)).toBe('ext4');
    expect(chooseContent([block], image)).toBe('block');
    expect(chooseContent([mount(), mount('xfs')], image)).toBe('xfs');
    expect(chooseContent([], btrfs)).toBe('btrfs');
  });

  test.each([
    ['a file system that the pool has not', [mount('ext4')], btrfs],
    ['a device where there are none', [block], btrfs],
    ['both at once', [block, mount()], image],
    ['two file systems', [mount('ext4'), mount('xfs')], image],
    ['several nodes', [mount('', 'MULTI_NODE_MULTI_WRITER')], image],
  ])('refuses %s', (_what, capabilities, offers) => {
    expect(() => chooseContent(capabilities, offers)).toThrow(
      expect.objectContaining({ code: 'CAPABILITY_UNSUPPORTED' }),
    );
  });
});

test('explainMismatch tells what an existing volume cannot do', () => {
  const volume = { content: 'ext4' } as Volume;
  expect(explainMismatch(volume, [mount(), mount('ext4')])).toBeUndefined();
  expect(explainMismatch(volume, [mount('xfs')])).toContain('ext4');
  expect(explainMismatch(volume, [block])).toContain('file system');
  expect(explainMismatch({ content: 'block' } as Volume, [mount()])).toContain('raw block');
  expect(explainMismatch(volume, [mount('', 'MULTI_NODE_READER_ONLY')])).toContain('one node');
});
