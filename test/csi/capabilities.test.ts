import { describe, expect, test } from 'vitest';
import { isReadOnly, parseCapabilities, parseCapability } from '../../src/csi/capabilities.ts';
import type { VolumeCapability } from '../../src/csi/types.ts';

const coded = (code: string) => expect.objectContaining({ code });
const block = (mode: string | number): VolumeCapability => ({ access_type: 'block', block: {}, access_mode: { mode } });
const mount = (values: Partial<NonNullable<VolumeCapability['mount']>> = {}, mode = 'SINGLE_NODE_WRITER') => ({
  access_type: 'mount' as const,
  mount: { fs_type: '', mount_flags: [], volume_mount_group: '', ...values },
  access_mode: { mode },
});
const parse = (capability: VolumeCapability | null) => parseCapability(capability, 'volume_capability');

test('a block device', () => {
  expect(parse(block('SINGLE_NODE_WRITER'))).toEqual({ access: { kind: 'block' }, mode: 'SINGLE_NODE_WRITER' });
});

test('a file system, without what is the default anyway', () => {
  const capability = mount({ fs_type: 'ext4', mount_flags: ['rw', 'noatime'], volume_mount_group: '1000' });
  expect(parse(capability)).toEqual({
    access: { kind: 'mount', fsType: 'ext4', mountOptions: ['noatime'], group: '1000' },
    mode: 'SINGLE_NODE_WRITER',
  });
  expect(parse(mount()).access).toEqual({ kind: 'mount', fsType: '', mountOptions: [], group: undefined });
});

describe('malformed', () => {
  test.each([
    ['volume_capability', null],
    ['volume_capability.access_type', { access_mode: { mode: 'SINGLE_NODE_WRITER' } }],
    ['volume_capability.access_mode', { access_type: 'block' as const, access_mode: null }],
    ['volume_capability.access_mode.mode', block('UNKNOWN')],
  ])('%s is missing', (field, capability) => {
    expect(() => parse(capability)).toThrow(
      expect.objectContaining({ code: 'FIELD_MISSING', message: `${field} is missing` }),
    );
  });
  test.each([block(99), block('toString'), block(-1)])('%j has an unknown mode', (capability) => {
    expect(() => parse(capability)).toThrow(coded('FIELD_INVALID'));
  });
  test.each(['root', '-1', '1.5', '4294967295', '99999999999', '0x10', ' 1'])('group %j is none', (group) => {
    expect(() => parse(mount({ volume_mount_group: group }))).toThrow(coded('FIELD_INVALID'));
  });
  test('an option that no volume could have', () => {
    expect(() => parse(mount({ mount_flags: ['suid'] }))).toThrow(coded('MOUNT_OPTION_REFUSED'));
    expect(() => parse(mount({ mount_flags: ['ro', 'rw'] }))).toThrow(coded('FIELD_INVALID'));
  });
});

describe('several', () => {
  test('may differ in mode', () => {
    const modes = parseCapabilities([mount({ fs_type: 'xfs' }), mount({}, 'SINGLE_NODE_MULTI_WRITER')]);
    expect(modes.map(({ mode }) => mode)).toEqual(['SINGLE_NODE_WRITER', 'SINGLE_NODE_MULTI_WRITER']);
  });
  test('are needed', () => {
    expect(() => parseCapabilities([])).toThrow(coded('FIELD_MISSING'));
  });
  test('cannot be had of one volume when they contradict', () => {
    expect(() => parseCapabilities([mount(), block('SINGLE_NODE_WRITER')])).toThrow(coded('CAPABILITY_UNSUPPORTED'));
    expect(() => parseCapabilities([mount({ fs_type: 'xfs' }), mount({ fs_type: 'ext4' })])).toThrow('xfs and ext4');
  });
});

test.each([
  [mount(), false],
  [mount({ mount_flags: ['ro'] }), true],
  [mount({}, 'SINGLE_NODE_READER_ONLY'), true],
  [block('MULTI_NODE_READER_ONLY'), true],
  [block('SINGLE_NODE_MULTI_WRITER'), false],
])('%j is read-only: %s', (capability, expected) => {
  expect(isReadOnly(parse(capability))).toBe(expected);
});
