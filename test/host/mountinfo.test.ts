import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMountInfo, readMounts } from '../../src/host/mountinfo.ts';

describe('parseMountInfo', () => {
  test('reads a line without optional fields and one with two', () => {
    const [plain, shared] = parseMountInfo(
      [
        '36 35 98:0 /mnt1 /mnt2 rw,noatime - ext3 /dev/root rw,errors=continue',
        '37 35 0:52 /volumes/a.1 /mnt3 ro,nosuid shared:7 master:1 - btrfs /dev/loop3 rw,space_cache=v2',
        '',
      ].join('\n'),
    );
    expect(plain).toEqual({
      id: 36,
      parentId: 35,
      device: '98:0',
      root: '/mnt1',
      mountPoint: '/mnt2',
      options: ['rw', 'noatime'],
      fsType: 'ext3',
      source: '/dev/root',
      superOptions: ['rw', 'errors=continue'],
    });
    expect(shared).toMatchObject({
      root: '/volumes/a.1',
      mountPoint: '/mnt3',
      fsType: 'btrfs',
      options: ['ro', 'nosuid'],
    });
  });

  test('undoes the octal escapes of space, tab, newline, backslash and hash, and keeps UTF-8', () => {
    const [mount] = parseMountInfo('1 2 3:4 / /a\\040b\\011c\\012d\\134e\\043é rw - tmpfs none\\040x rw');
    expect(mount).toMatchObject({ mountPoint: '/a b\tc\nd\\e#é', source: 'none x' });
  });

  test('reads what escapes make of any path', () => {
    const escaped = (text: string): string =>
      text.replace(/[ \t\n\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
    const path = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(path, fc.array(fc.constantFrom('shared:1', 'master:2', 'unbindable')), (mountPoint, optional) => {
        const line = ['9 8 0:1 /', escaped(`/${mountPoint}`), 'rw', ...optional, '- tmpfs none rw'].join(' ');
        expect(parseMountInfo(line)[0]?.mountPoint).toBe(`/${mountPoint}`);
      }),
    );
  });

  test.each(['', 'rubbish', '1 2 3:4 / /x rw tmpfs none rw', '1 2 3:4 / /x rw -'])(
    'refuses a malformed line: %j',
    (line) => {
      if (line === '') expect(parseMountInfo(line)).toEqual([]);
      else expect(() => parseMountInfo(line)).toThrow(SyntaxError);
    },
  );

  test('reads this machine', () => {
    expect(readMounts().some((mount) => mount.mountPoint === '/')).toBe(true);
  });
});
