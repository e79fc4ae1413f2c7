import { describe, expect, test } from 'vitest';
import { checkLimits, clip } from '../../src/csi/limits.ts';
import {
  parsePage,
  parseSizeRange,
  requireField,
  requireLookupPath,
  requireName,
  requirePath,
  requireSizeRange,
} from '../../src/csi/validate.ts';

const coded = (code: string) => expect.objectContaining({ code });

describe('names', () => {
  test.each(['a', 'a name', '../..', 'line\nbreak\ttab', 'ü🚢', 'x'.repeat(128)])('%j is one', (name) => {
    expect(requireName(name)).toBe(name);
  });
  test.each(['\0', 'a\x08', '\x0b', '\x1f', '\x7f', '\x9f'])('%j has a banned character', (name) => {
    expect(() => requireName(name)).toThrow(coded('FIELD_INVALID'));
  });
  test('an empty one is missing', () => {
    expect(() => requireName('')).toThrow(coded('FIELD_MISSING'));
    expect(() => requireField('', 'volume_id')).toThrow('volume_id is missing');
  });
});

describe('paths', () => {
  test.each([
    ['/a/b', '/a/b'],
    ['/a//b/', '/a/b'],
    ['/a/./b', '/a/b'],
    ['/a/..b', '/a/..b'],
  ])('%s is %s', (given, plain) => {
    expect(requirePath(given, 'target_path')).toBe(plain);
    expect(requireLookupPath(given, 'volume_path')).toBe(plain);
  });
  test.each(['a/b', '/', '//', '/./', '/a/../b', '/a/..', '/a\0b'])('%j is refused where something is made', (path) => {
    expect(() => requirePath(path, 'target_path')).toThrow(coded('FIELD_INVALID'));
  });
  test.each(['some/path', '/a/../b', '/'])('%j is only looked up, as it is', (path) => {
    expect(requireLookupPath(path, 'volume_path')).toBe(path);
  });
});

describe('sizes', () => {
  const range = (required: string, limit: string) => ({ required_bytes: required, limit_bytes: limit });
  test('are bigints, and absent ones unset', () => {
    expect(parseSizeRange(null)).toEqual({ requiredBytes: 0n, limitBytes: 0n });
    expect(parseSizeRange(range('9223372036854775807', '0'))).toEqual({
      requiredBytes: 9223372036854775807n,
      limitBytes: 0n,
    });
    expect(parseSizeRange(range('5', '5'))).toEqual({ requiredBytes: 5n, limitBytes: 5n });
  });
  test.each([
    ['-1', '0'],
    ['0', '-1'],
    ['6', '5'],
  ])('%s to %s is refused', (required, limit) => {
    expect(() => parseSizeRange(range(required, limit))).toThrow(coded('FIELD_INVALID'));
  });
  test('an expansion needs one', () => {
    expect(() => requireSizeRange(null)).toThrow(coded('FIELD_MISSING'));
    expect(() => requireSizeRange(range('0', '0'))).toThrow(coded('FIELD_MISSING'));
    expect(requireSizeRange(range('0', '7'))).toEqual({ requiredBytes: 0n, limitBytes: 7n });
  });
});

test('a page cannot be negative', () => {
  expect(parsePage({ max_entries: 2, starting_token: 't' })).toEqual({ max: 2, token: 't' });
  expect(() => parsePage({ max_entries: -1, starting_token: '' })).toThrow(coded('FIELD_INVALID'));
});

describe('size limits of CSI', () => {
  const fits = [
    { name: 'x'.repeat(128) },
    { target_path: `/${'x'.repeat(4094)}` },
    { parameters: { key: 'v'.repeat(4093) } },
    { volume_capability: { mount: { mount_flags: Array(40).fill('x'.repeat(100)) } } },
    { volume_capability: null, volume_content_source: { snapshot: { snapshot_id: 'x' } } },
  ];
  test.each(fits.map((request, index) => [index, request] as const))('message %i fits', (_index, request) => {
    expect(() => checkLimits(request)).not.toThrow();
  });
  test.each([
    ['name', { name: 'x'.repeat(129) }],
    ['name', { name: 'ü'.repeat(65) }],
    ['target_path', { target_path: 'x'.repeat(4096) }],
    ['parameters', { parameters: { key: 'v'.repeat(4094) } }],
    ['secrets', { secrets: Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`k${at}`, 'x'.repeat(90)])) }],
    ['snapshot_ids[1]', { snapshot_ids: ['x', 'x'.repeat(129)] }],
    [
      'volume_capabilities[0].mount.mount_flags',
      { volume_capabilities: [{ mount: { mount_flags: Array(41).fill('x'.repeat(100)) } }] },
    ],
    ['accessible_topology.segments', { accessible_topology: { segments: { k: 'x'.repeat(4096) } } }],
  ])('%s is too long', (field, request) => {
    expect(() => checkLimits(request)).toThrow(`${field}: `);
  });
  test('answers are cut to them between characters', () => {
    expect(clip('x'.repeat(128))).toBe('x'.repeat(128));
    expect(clip('🚢'.repeat(40))).toBe(`${'🚢'.repeat(31)}…`);
  });
});
