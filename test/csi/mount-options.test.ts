import { describe, expect, test } from 'vitest';
import { checkMountOptions, checkVolumeMountOptions } from '../../src/csi/mount-options.ts';

const refused = expect.objectContaining({ code: 'MOUNT_OPTION_REFUSED' });
const LABEL = 'context="system_u:object_r:container_file_t:s0:c1,c2"';

describe('by the file system that is named', () => {
  test.each([
    ['', ['ro', 'noatime', 'nodev', 'commit=5', 'compress=zstd:3', LABEL]],
    ['ext4', ['commit=30', 'data=journal', 'discard', LABEL, 'lazytime']],
    ['xfs', ['inode64', 'allocsize=64k', 'logbufs=8']],
    ['btrfs', ['compress=zstd', 'discard=async', 'ssd', 'noatime']],
    ['ntfs', ['rw', 'sync']],
  ])('%j takes %j', (fsType, options) => {
    expect(() => checkMountOptions(fsType, options)).not.toThrow();
  });
  test.each([
    ['ext4', 'suid'],
    ['ext4', 'dev'],
    ['ext4', 'inode64'],
    ['ext4', 'commit=5,suid'],
    ['ext4', 'commit'],
    ['ext4', 'noatime=1'],
    ['ext4', 'errors=panic'],
    ['ext4', 'nobarrier'],
    ['ext4', 'context=u:r:t:s0:c1,c2'],
    ['ext4', 'context="a",suid,b="c"'],
    ['xfs', 'norecovery'],
    ['btrfs', 'subvol=/'],
    ['btrfs', 'user_subvol_rm_allowed'],
    ['ntfs', LABEL],
    ['', 'remount'],
    ['', 'bind'],
    ['', 'noatime,suid'],
    ['', ''],
    ['', '__proto__'],
    ['constructor', 'name=x'],
  ])('%j refuses %s', (fsType, option) => {
    expect(() => checkMountOptions(fsType, ['ro', option])).toThrow(refused);
  });
});

describe('by what the volume is', () => {
  test('an image takes those of its own file system', () => {
    const volume = { backend: 'image', content: 'xfs' } as const;
    expect(() => checkVolumeMountOptions(volume, ['noatime', 'largeio', LABEL])).not.toThrow();
    expect(() => checkVolumeMountOptions(volume, ['commit=5'])).toThrow(refused);
  });
  test.each([
    { backend: 'btrfs', content: 'btrfs' },
    { backend: 'directory', content: 'directory' },
    { backend: 'image', content: 'block' },
  ] as const)('one that shares its file system takes flags only: %j', (volume) => {
    expect(() => checkVolumeMountOptions(volume, ['noatime', 'nosuid'])).not.toThrow();
    expect(() => checkVolumeMountOptions(volume, [LABEL])).toThrow(refused);
    expect(() => checkVolumeMountOptions(volume, ['compress=zstd'])).toThrow(refused);
  });
});

test('the message names the option and never its value', () => {
  expect(() => checkMountOptions('ext4', ['password=hunter2'])).toThrow(
    /^mount option password is not allowed for ext4/,
  );
  expect(() => checkMountOptions('ext4', ['hunter2 = secret'])).toThrow(/^mount option \(unreadable\)/);
});
