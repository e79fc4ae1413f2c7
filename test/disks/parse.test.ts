import { describe, expect, it } from 'vitest';
import { readProbe } from '../../src/disks/probe.ts';
import { decodeProperty, parseUdevEntry } from '../../src/disks/properties.ts';
import { parseUevent } from '../../src/disks/uevent.ts';

const probe = (exitCode: number, stdout = '', stderr = '') => readProbe({ exitCode, stdout, stderr });

describe('what blkid says', () => {
  it('is empty only by exit code 2 and silence', () => {
    expect(probe(2)).toEqual({ state: 'empty', tags: {} });
  });

  it('is unknown when the device could not be opened, which exits with 2 as well', () => {
    const content = probe(2, '', 'blkid: error: /dev/sda: Permission denied\n');
    expect(content).toEqual({
      state: 'unknown',
      problem: 'blkid ended with 2: blkid: error: /dev/sda: Permission denied',
    });
  });

  it('is unknown for every other exit code, and for a blkid that says nothing or something else', () => {
    expect(probe(4).state).toBe('unknown');
    expect(probe(1).state).toBe('unknown');
    expect(probe(0).state).toBe('unknown');
    expect(probe(0, '/dev/sda: UUID="x" TYPE="ext4"\n').state).toBe('unknown');
    expect(probe(2, 'ID_FS_TYPE=ext4\n').state).toBe('unknown');
  });

  it('is ambivalent by exit code 8', () => {
    expect(probe(8, 'ID_FS_AMBIVALENT=other:swap:1 filesystem:ext2:0.0\n')).toEqual({ state: 'ambivalent' });
  });

  it("takes an empty partition's own entry for no content, and a type beside it for one", () => {
    const entry = 'ID_PART_ENTRY_SCHEME=gpt\nID_PART_ENTRY_NUMBER=1\n';
    expect(probe(0, entry).state).toBe('empty');
    expect(probe(0, `${entry}ID_FS_TYPE=ext4\n`).state).toBe('found');
  });

  it('keeps a value that has = and quotes in it', () => {
    const content = probe(0, 'ID_FS_TYPE=ext4\nID_FS_LABEL=a"=RO=x \'%\n');
    expect(content).toMatchObject({ tags: { ID_FS_LABEL: 'a"=RO=x \'%' } });
  });
});

describe('the udev database', () => {
  it('gives links and the properties that matter', () => {
    const entry =
      'S:disk/by-id/b\nS:disk/by-id/a\nL:10\nE:ID_SERIAL=x=y\nE:ID_FS_TYPE=\nE:SYSTEMD_WANTS=z\nG:systemd\n';
    expect(parseUdevEntry(entry)).toEqual({
      links: ['disk/by-id/a', 'disk/by-id/b'],
      tags: { ID_FS_TYPE: '', ID_SERIAL: 'x=y' },
    });
  });

  it('encodes what is special in a label as \\xHH of UTF-8', () => {
    expect(decodeProperty('a\\x22b\\x0a\\xc3\\xa9é\\')).toBe('a"b\né\\é\\'.replace('\\é', 'é'));
    expect(decodeProperty('\\xzz\\x4')).toBe('\\xzz\\x4');
  });
});

describe('a message of the kernel', () => {
  const message = (...texts: string[]) => Buffer.from(`${texts.join('\0')}\0`);
  const add = ['add@/devices/virtual/block/loop3', 'ACTION=add', 'DEVPATH=/devices/virtual/block/loop3'];

  it('is an event of a block device', () => {
    const event = parseUevent(message(...add, 'SUBSYSTEM=block', 'DEVNAME=loop3', 'SEQNUM=1234'));
    expect(event).toEqual({ action: 'add', name: 'loop3', sequence: 1234n });
  });

  it('is passed over when it is of another subsystem, of udev, or broken', () => {
    expect(parseUevent(message(...add, 'SUBSYSTEM=net'))).toBeUndefined();
    expect(parseUevent(message('libudev', 'ACTION=add', 'SUBSYSTEM=block'))).toBeUndefined();
    expect(parseUevent(Buffer.alloc(0))).toBeUndefined();
    expect(parseUevent(message('add@/x', 'ACTION=explode', 'DEVPATH=/x', 'SUBSYSTEM=block'))).toBeUndefined();
  });
});
