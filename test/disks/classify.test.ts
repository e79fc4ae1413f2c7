import { describe, expect, it } from 'vitest';
import { classifyDisks } from '../../src/disks/classify.ts';
import { collectDisks } from '../../src/disks/collect.ts';
import { poolLabel } from '../../src/disks/pool-label.ts';
import { recordedSources } from '../../src/disks/recorded.ts';
import { codes, judge, judgeOne, policy } from './judge.ts';
import { blkidFound, type DiskOptions, type FakeMachine, fakeMachine } from './machine.ts';

const withDisk = (options: DiskOptions = {}): FakeMachine => fakeMachine().disk('sda', options);
const found = (tags: Record<string, string>): DiskOptions => ({ device: { probe: blkidFound(tags) } });
const btrfs = (label: string, uuid = 'aaaaaaaa-0000-4000-8000-000000000001', member = 'm1'): DiskOptions =>
  found({
    ID_FS_TYPE: 'btrfs',
    ID_FS_UUID: uuid,
    ID_FS_UUID_SUB: member,
    ID_FS_LABEL_ENC: label.replace(/[^\w:-]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`),
  });

describe('a disk about which all was asked and answered', () => {
  it('is free when it is empty', async () => {
    const disk = await judgeOne(withDisk(), 'sda');
    expect(disk.verdict).toBe('free');
    expect(codes(disk)).toEqual(['EMPTY']);
    expect(disk).toMatchObject({ model: 'Fake disk', serial: 'S0', media: 'ssd', transport: 'sata' });
    expect(disk.id).toBe('wwn-naa.5000c50010000000.S0');
  });

  it('is free as a partition of a disk that others use, when it is meant for file systems', async () => {
    const fake = withDisk().partition('sda', 1).partition('sda', 2).mount('8:1', '/srv/data');
    expect((await judgeOne(fake, 'sda2')).verdict).toBe('free');
    expect(codes(await judgeOne(fake, 'sda'))).toEqual(['HAS_PARTITIONS']);
    expect(codes(await judgeOne(fake, 'sda1'))).toEqual(['MOUNTED']);
  });
});

const zoo: [string, string, () => FakeMachine, 'used' | 'unknown'][] = [
  ['mounted', 'MOUNTED', () => withDisk().mount('8:0', '/srv/x'), 'used'],
  ['swap', 'SWAP_ACTIVE', () => withDisk().swap('/dev/sda'), 'used'],
  ['with something on top', 'HELD', () => withDisk().sys('sda', 'holders/dm-0', ''), 'used'],
  ['ext4', 'SIGNATURE', () => withDisk(found({ ID_FS_TYPE: 'ext4', ID_FS_UUID: 'u' })), 'used'],
  ['a table', 'PARTITION_TABLE', () => withDisk(found({ ID_PART_TABLE_TYPE: 'gpt' })), 'used'],
  [
    'bytes at the start',
    'DATA_PRESENT',
    () => withDisk({ device: { bytes: [{ offset: 77, base64: 'AQ==' }] } }),
    'used',
  ],
  [
    'bytes at the end',
    'DATA_PRESENT',
    () => withDisk({ device: { bytes: [{ offset: 100 * 2 ** 30 - 1, base64: 'AQ==' }] } }),
    'used',
  ],
  ['read-only', 'READ_ONLY', () => withDisk({ sys: { ro: '1' } }), 'used'],
  ['too small', 'TOO_SMALL', () => withDisk({ sizeBytes: 512 * 2 ** 20 }), 'used'],
  ['without a medium', 'NO_MEDIUM', () => withDisk({ sizeBytes: 0 }), 'used'],
  ['removable', 'REMOVABLE', () => withDisk({ sys: { removable: '1' } }), 'used'],
  ['hidden', 'HIDDEN', () => withDisk({ sys: { hidden: '1' } }), 'used'],
  ['a path of multipath', 'MULTIPATH_PATH', () => withDisk({ udev: { DM_MULTIPATH_DEVICE_PATH: '1' } }), 'used'],
  ['iSCSI', 'NETWORK_DISK', () => withDisk({ at: 'platform/host3/session1/target3:0:0/3:0:0:1' }), 'used'],
  ['opened exclusively', 'OPENED_EXCLUSIVELY', () => withDisk({ device: { exclusiveError: 'EBUSY' } }), 'used'],
  [
    'of an unknown driver',
    'KIND_UNSUITABLE',
    () => fakeMachine().disk('pxd!pxd7').disk('sda', { sizeBytes: 0 }),
    'used',
  ],
  ['in memory', 'KIND_UNSUITABLE', () => fakeMachine().disk('zram0'), 'used'],
  ['optical', 'KIND_UNSUITABLE', () => fakeMachine().disk('sr0'), 'used'],
  [
    'a logical volume',
    'KIND_UNSUITABLE',
    () => fakeMachine().disk('dm-0', { sys: { 'dm/uuid': 'LVM-x', 'dm/suspended': '0' } }),
    'used',
  ],
  [
    'ambivalent',
    'CONTENT_AMBIVALENT',
    () => withDisk({ device: { probe: { exitCode: 8, stdout: '', stderr: '' } } }),
    'unknown',
  ],
  [
    'refused by blkid',
    'CONTENT_UNKNOWN',
    () => withDisk({ device: { probe: { exitCode: 2, stdout: '', stderr: 'error: Permission denied' } } }),
    'unknown',
  ],
  ['not answering', 'CONTENT_UNKNOWN', () => withDisk({ device: { probe: undefined } }), 'unknown'],
  ['unreadable', 'EDGE_UNREADABLE', () => withDisk({ device: { readError: 'EIO' } }), 'unknown'],
  ['shorter than it says', 'EDGE_UNREADABLE', () => withDisk({ device: { sizeBytes: 4096 } }), 'unknown'],
  ['not to be opened', 'EXCLUSIVE_UNKNOWN', () => withDisk({ device: { exclusiveError: 'EPERM' } }), 'unknown'],
  ['offline', 'DEVICE_NOT_RUNNING', () => withDisk({ sys: { 'device/state': 'offline' } }), 'unknown'],
  ['without a udev database', 'UDEV_ABSENT', () => withDisk().remove('udev', 'data/b8:0'), 'unknown'],
  ['not in the udev database', 'UDEV_NO_ENTRY', () => withDisk().disk('sdb').remove('udev', 'data/b8:0'), 'unknown'],
  ['something else to udev', 'UDEV_DISAGREES', () => withDisk({ udev: { ID_FS_TYPE: 'zfs_member' } }), 'unknown'],
  ['seen from a container', 'MOUNTS_PARTIAL', () => withDisk().remove('proc', '1/mountinfo'), 'unknown'],
  ['without a size', 'FACTS_MISSING', () => withDisk().sys('sda', 'size', 'many'), 'used'],
  ['without the list of swaps', 'FACTS_MISSING', () => withDisk().remove('proc', 'swaps'), 'unknown'],
  [
    'without identity',
    'IDENTITY_MISSING',
    () => withDisk().sys('sda', 'device/wwid', undefined).sys('sda', 'device/serial', undefined),
    'unknown',
  ],
];

describe('a disk of which one answer is missing', () => {
  it.each(['content', 'exclusive', 'head', 'tail'] as const)(
    '%s is unknown, though nothing speaks against it',
    async (part) => {
      const { snapshot } = await judgeOne(withDisk(), 'sda');
      const [disk] = classifyDisks([{ ...snapshot, [part]: { state: 'not-asked' } }], policy);
      expect(disk).toMatchObject({ verdict: 'unknown', reasons: [{ code: 'CONTENT_UNKNOWN' }] });
    },
  );
});

describe('a mount', () => {
  it('of PID 1 is one of a container only when that is Berth itself', async () => {
    const fake = withDisk();
    fake.machine.links.proc['self'] = '1';
    expect(codes(await judgeOne(fake, 'sda'))).toEqual(['MOUNTS_PARTIAL']);
  });

  it('whose source a user chose is not looked up', async () => {
    const fake = withDisk()
      .mount('0:50', '/home/x', 'fuse.x', '/dev/sda')
      .mount('0:51', '/y', 'nfs', '/dev/../dev/sda');
    const looked: string[] = [];
    const sources = recordedSources(fake.machine);
    const nodeNumber = (path: string) => {
      looked.push(path);
      return sources.nodeNumber(path);
    };
    const [snapshot] = await collectDisks({ ...sources, nodeNumber });
    expect(snapshot!.mountCount).toBe(0);
    expect(looked).toEqual(['/dev/sda']);
  });

  it('is one of many, of which the shortest are kept', async () => {
    const fake = withDisk();
    for (let index = 0; index < 40; index++) fake.mount('8:0', `/var/lib/kubelet/pods/${index}`);
    const { snapshot, reasons } = await judgeOne(fake.mount('8:0', '/'), 'sda');
    expect(snapshot.mounts).toHaveLength(16);
    expect(snapshot.mounts[0]).toBe('/');
    expect(reasons[0]!.message).toMatch(/ and 25 more$/);
  });
});

describe('a disk that is not free', () => {
  it.each(zoo)('%s: %s', async (_, code, make, verdict) => {
    const [disk] = await judge(make());
    expect(codes(disk!)).toContain(code);
    expect(disk!.verdict).toBe(verdict);
  });

  it('tells every reason', async () => {
    const disk = await judgeOne(withDisk({ sys: { ro: '1' }, sizeBytes: 4096 }).mount('8:0', '/srv/x'), 'sda');
    expect(codes(disk)).toEqual(['MOUNTED', 'READ_ONLY', 'TOO_SMALL']);
  });

  it('has a node that is another device, or none', async () => {
    const fake = withDisk();
    fake.machine.devices['/dev/sda']!.number = '8:99';
    expect(codes(await judgeOne(fake, 'sda'))).toContain('NODE_WRONG');
    delete fake.machine.devices['/dev/sda'];
    expect(codes(await judgeOne(fake, 'sda'))).toContain('NODE_MISSING');
  });

  it('has a node in a folder when its name has a !', async () => {
    const disk = await judgeOne(fakeMachine().disk('cciss!c0d0'), 'cciss!c0d0');
    expect(disk).toMatchObject({ path: '/dev/cciss/c0d0', verdict: 'free' });
  });

  it('is an NVMe of another machine', async () => {
    const fake = fakeMachine().disk('nvme0n1', { sys: { 'device/transport': 'tcp' } });
    expect(codes(await judgeOne(fake, 'nvme0n1'))).toContain('NETWORK_DISK');
  });
});

describe('the disk that the machine runs from', () => {
  const boot = (): FakeMachine =>
    withDisk()
      .partition('sda', 1)
      .partition('sda', 2)
      .partition('sda', 3)
      .mount('8:2', '/')
      .mount('8:1', '/boot/efi', 'vfat');

  it('gives none of its partitions away', async () => {
    const disks = await judge(boot());
    expect(disks.map(({ verdict }) => verdict)).toEqual(['used', 'used', 'used', 'used']);
    for (const disk of disks) expect(codes(disk)).toContain('SYSTEM_DISK');
  });

  it('is found below a logical volume', async () => {
    const fake = fakeMachine()
      .disk('dm-0', { sys: { 'dm/uuid': 'LVM-x', 'dm/suspended': '0', 'slaves/sda2': '' } })
      .disk('sda')
      .partition('sda', 1)
      .partition('sda', 2)
      .sys('sda2', 'holders/dm-0', '')
      .mount('8:0', '/');
    expect(codes(await judgeOne(fake, 'sda1'))).toContain('SYSTEM_DISK');
  });

  it('does not give away a partition of a purpose of its own', async () => {
    const esp = {
      ID_PART_ENTRY_SCHEME: 'gpt',
      ID_PART_ENTRY_UUID: 'u',
      ID_PART_ENTRY_TYPE: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
    };
    const fake = withDisk().partition('sda', 1, { device: { probe: blkidFound(esp) } });
    expect(codes(await judgeOne(fake, 'sda1'))).toEqual(['PARTITION_TYPE']);
  });
});

describe('a btrfs of several disks', () => {
  it('is mounted on all of them', async () => {
    const member = (sub: string) => btrfs('data', 'u', sub);
    const fake = fakeMachine()
      .disk('sda', member('1'))
      .disk('sdb', member('2'))
      .mount('0:44', '/srv/b', 'btrfs', '/dev/sda');
    const uuid = 'aaaaaaaa-0000-4000-8000-000000000001';
    for (const name of ['sda', 'sdb']) fake.machine.files.sys[`fs/btrfs/${uuid}/devices/${name}`] = '';
    for (const disk of await judge(fake)) expect(codes(disk)).toEqual(['MOUNTED', 'SIGNATURE']);
  });
});

describe('a pool', () => {
  it('is ours by its label, mounted or not', async () => {
    const disk = await judgeOne(withDisk(btrfs(poolLabel('n1', 'nvme'))).mount('8:0', '/var/lib/berth/nvme'), 'sda');
    expect(disk.verdict).toBe('ours');
    expect(codes(disk)).toEqual(['MOUNTED', 'POOL_OF_THIS_NODE']);
    expect(disk.pool).toEqual({ uuid: 'aaaaaaaa-0000-4000-8000-000000000001', node: 'n1', name: 'nvme' });
  });

  it('is ours by a UUID that is known, whatever its label', async () => {
    const knownPools = new Map([['aaaaaaaa-0000-4000-8000-000000000001', 'taken-over']]);
    const disk = await judgeOne(withDisk(btrfs('berth:other:x')), 'sda', { knownPools });
    expect(disk).toMatchObject({ verdict: 'ours', pool: { name: 'taken-over' } });
  });

  it("is another node's, and says whose", async () => {
    const disk = await judgeOne(withDisk(btrfs('berth:n2:fast')), 'sda');
    expect(disk.verdict).toBe('used');
    expect(disk.reasons[0]!.code).toBe('POOL_OF_OTHER_NODE');
    expect(disk.reasons[0]!.message).toMatch(/"fast".*"n2".*berth pool import/);
  });

  it('of images has its owner inside', async () => {
    const xfs = found({ ID_FS_TYPE: 'xfs', ID_FS_UUID: 'u1', ID_FS_LABEL_ENC: 'berth-pool' });
    expect(codes(await judgeOne(withDisk(xfs), 'sda'))).toEqual(['POOL_UNOPENED']);
    expect((await judgeOne(withDisk(xfs), 'sda', { knownPools: new Map([['u1', 'files']]) })).verdict).toBe('ours');
  });

  it('is not an ext4 that has its label', async () => {
    const ext4 = found({ ID_FS_TYPE: 'ext4', ID_FS_UUID: 'u1', ID_FS_LABEL_ENC: 'berth:n1:x' });
    expect(codes(await judgeOne(withDisk(ext4), 'sda'))).toEqual(['SIGNATURE']);
  });

  it("that was copied is nobody's, not even ours", async () => {
    const fake = fakeMachine().disk('sda', btrfs('berth:n1:x')).disk('sdb', btrfs('berth:n1:x'));
    for (const disk of await judge(fake)) {
      expect(disk.verdict).toBe('used');
      expect(codes(disk)).toContain('IDENTITY_DUPLICATE');
    }
  });

  it('has a label that is cut where it is too long, and is still known', async () => {
    const node = `${'n'.repeat(251)}.é`;
    const label = poolLabel(node, 'pool');
    expect(Buffer.byteLength(label)).toBeLessThanOrEqual(255);
    const longNode = 'x'.repeat(253);
    const disk = await judgeOne(withDisk(btrfs(poolLabel(longNode, 'p'))), 'sda', { nodeName: longNode });
    expect(disk.verdict).toBe('ours');
  });
});

describe('a loop device', () => {
  const loop = (name = 'loop3', file = '/srv/file'): FakeMachine =>
    fakeMachine().disk(name, {
      at: 'virtual',
      sizeBytes: 2 ** 28,
      sys: { 'loop/backing_file': file, 'loop/offset': '0' },
    });

  it('is free only when its selector allows it, also where there is no udev', async () => {
    expect(codes(await judgeOne(loop(), 'loop3'))).toContain('LOOP_NOT_ALLOWED');
    const allowLoop = new Set(['/dev/loop3']);
    expect((await judgeOne(loop().remove('udev', 'data/b8:0'), 'loop3', { allowLoop })).verdict).toBe('free');
  });

  it('is not listed with nothing attached, and not read when it is not allowed', async () => {
    const fake = fakeMachine().disk('loop0', { at: 'virtual' });
    expect(await judge(fake)).toEqual([]);
    expect((await judgeOne(loop(), 'loop3')).snapshot.content.state).toBe('not-asked');
  });

  it('over the file of another is that one once more', async () => {
    const fake = loop().disk('loop4', { sys: { 'loop/backing_file': '/srv/file', 'loop/offset': '0' } });
    const disks = await judge(fake, { allowLoop: new Set(['/dev/loop3', '/dev/loop4']) });
    for (const disk of disks) expect(codes(disk)).toContain('IDENTITY_DUPLICATE');
  });

  it.each(['/dev/sda', '/sda'])('holds the disk that it is over, told as %s', async (file) => {
    const fake = loop('loop3', file).disk('sda');
    expect(codes(await judgeOne(fake, 'sda'))).toContain('LOOP_BACKING');
    expect(codes(await judgeOne(fake, 'sda'))).not.toContain('IDENTITY_DUPLICATE');
  });
});

describe('two disks of one identity', () => {
  it('are both refused', async () => {
    const same = { sys: { 'device/wwid': 'naa.1', 'device/serial': 'S' } };
    const disks = await judge(fakeMachine().disk('sda', same).disk('sdb', same));
    for (const disk of disks) {
      expect(disk.verdict).toBe('used');
      expect(codes(disk)).toContain('IDENTITY_DUPLICATE');
    }
  });

  it('are told apart by the serial number where an array gives one name to all', async () => {
    const fake = fakeMachine()
      .disk('sda', { sys: { 'device/wwid': 'naa.1', 'device/serial': 'A' } })
      .disk('sdb', { sys: { 'device/wwid': 'naa.1', 'device/serial': 'B' } });
    expect((await judge(fake)).map(({ verdict }) => verdict)).toEqual(['free', 'free']);
  });

  it('are one where a multipath device joins them, which is what may be taken', async () => {
    const ext4 = found({ ID_FS_TYPE: 'ext4', ID_FS_UUID: 'u1' });
    const path = { ...ext4, sys: { 'device/wwid': 'naa.1', 'device/serial': 'S', 'holders/dm-0': '' } };
    const mpath = {
      'dm/uuid': 'mpath-1',
      'dm/name': 'mpatha',
      'dm/suspended': '0',
      'slaves/sda': '',
      'slaves/sdb': '',
    };
    const hardware = { 'device/wwid': '', 'device/serial': '', 'device/state': 'running' };
    const fake = fakeMachine()
      .disk('sda', path)
      .disk('sdb', path)
      .disk('dm-0', { ...ext4, sys: { ...mpath, ...hardware } });
    expect(codes(await judgeOne(fake, 'dm-0'))).toEqual(['SIGNATURE']);
    expect(codes(await judgeOne(fake, 'sda'))).toContain('HELD');
    fake.machine.devices['/dev/dm-0']!.probe = { exitCode: 2, stdout: '', stderr: '' };
    expect((await judgeOne(fake, 'dm-0')).verdict).toBe('free');
  });
});

describe('words of others', () => {
  it('reach no terminal as they are', async () => {
    const label = 'x"\n\u001b[31m=%\u202e';
    const disk = await judgeOne(
      withDisk(found({ ID_FS_TYPE: 'ext4', ID_FS_UUID: 'u', ID_FS_LABEL_ENC: label })),
      'sda',
    );
    const text = disk.reasons.map(({ message }) => message).join('');
    expect(text).not.toMatch(/[\x00-\x1f\x7f\u202e]/);
  });
});
