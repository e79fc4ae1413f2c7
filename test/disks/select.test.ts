import { describe, expect, it } from 'vitest';
import { explainDisk } from '../../src/disks/explain.ts';
import { toDiskJson } from '../../src/disks/json.ts';
import type { DiskSelector } from '../../src/disks/model.ts';
import { findDisk, selectDisks } from '../../src/disks/select.ts';
import { judge } from './judge.ts';
import { blkidFound, fakeMachine } from './machine.ts';

const GIB = 2n ** 30n;

const disks = await judge(
  fakeMachine()
    .disk('nvme0n1', {
      at: 'pci0000:00/0000:01:00.0/nvme/nvme0',
      sizeBytes: 500 * 2 ** 30,
      sys: { wwid: 'eui.0025385b01404c11', 'device/model': 'Samsung SSD 980 PRO   ', 'device/transport': 'pcie' },
      links: ['disk/by-id/nvme-Samsung_SSD_980_PRO_S0', 'disk/by-path/pci-0000:01:00.0-nvme-1'],
    })
    .disk('sda', {
      sizeBytes: 2000 * 2 ** 30,
      sys: { 'queue/rotational': '1' },
      udev: { ID_MODEL_ENC: 'ST2000NM\\x20\\x20' },
    })
    .disk('sdb', { sizeBytes: 2000 * 2 ** 30, sys: { 'queue/rotational': '1' } })
    .partition('sdb', 1)
    .disk('loop3', { at: 'virtual', sys: { 'loop/backing_file': '/srv/f' } }),
);

const select = (selector: DiskSelector): string[] => selectDisks(selector, disks).map(({ kernelName }) => kernelName);

describe('a selector', () => {
  const cases: [DiskSelector, string[]][] = [
    [{ byId: 'nvme-Samsung_SSD_980_PRO_S0' }, ['nvme0n1']],
    [{ byId: 'wwn-eui.0025385b01404c11.S0' }, ['nvme0n1']],
    [{ path: '/dev/disk/by-id/nvme-Samsung_SSD_980_PRO_S0' }, ['nvme0n1']],
    [{ path: '/dev/nvme0n1' }, []],
    [{ path: '/dev/sda', allowLoop: true }, []],
    [{ path: '/dev/loop3' }, []],
    [{ path: '/dev/loop3', allowLoop: true }, ['loop3']],
    [{ serial: 'S16' }, ['sda']],
    [{ model: 'ST2000NM' }, ['sda']],
    [{ model: 'Samsung_SSD_980_PRO' }, ['nvme0n1']],
    [{ wwn: 'naa.5000c50010000010' }, ['sda']],
    [{ media: 'hdd' }, ['sda', 'sdb']],
    [{ media: 'nvme' }, ['nvme0n1']],
    [{ media: 'ssd' }, ['nvme0n1']],
    [{ transport: 'sata', maxSizeBytes: 2000n * GIB, minSizeBytes: 2000n * GIB }, ['sda', 'sdb']],
    [{ minSizeBytes: 501n * GIB }, ['sda', 'sdb']],
    [{ media: 'hdd', serial: 'S0' }, []],
    [{}, []],
    [{ allowLoop: true }, []],
  ];
  it.each(cases)('%o matches %j', (selector, names) => {
    expect(select(selector)).toEqual(names);
  });

  it('finds a disk by what it was known by before it was formatted', async () => {
    const virtio = { at: 'pci0000:00/0000:00:05.0/virtio2', sys: { 'device/wwid': '' } };
    const [blank] = await judge(fakeMachine().disk('vdb', virtio));
    expect(blank).toMatchObject({ id: 'serial-S0', verdict: 'free' });
    const probe = blkidFound({ ID_FS_TYPE: 'btrfs', ID_FS_UUID: 'u', ID_FS_UUID_SUB: 's' });
    const formatted = await judge(fakeMachine().disk('vdb', { ...virtio, device: { probe } }));
    expect(formatted[0]!.id).toBe('fs-u.s');
    expect(selectDisks({ byId: blank!.id }, formatted)).toHaveLength(1);
  });

  it('names a partition only by its id', () => {
    const partition = disks.find(({ kernelName }) => kernelName === 'sdb1')!;
    expect(select({ byId: partition.id })).toEqual(['sdb1']);
  });
});

describe('a person', () => {
  it('means a disk by any of its names', () => {
    for (const name of ['sda', '/dev/sda', 'wwn-naa.5000c50010000010.S16']) {
      expect(findDisk(name, disks).kernelName).toBe('sda');
    }
    expect(findDisk('/dev/disk/by-path/pci-0000:01:00.0-nvme-1', disks).kernelName).toBe('nvme0n1');
  });

  it('is told of a disk that is not there, and of a name that fits two', async () => {
    expect(() => findDisk('sdz', disks)).toThrow(expect.objectContaining({ code: 'DISK_NOT_FOUND' }));
    const ext4 = { device: { probe: blkidFound({ ID_FS_TYPE: 'ext4', ID_FS_UUID: 'same' }) } };
    const twins = await judge(fakeMachine().disk('sda', ext4).disk('sdb', ext4));
    expect(() => findDisk('fs-same', twins)).toThrow(
      expect.objectContaining({
        code: 'DISK_AMBIGUOUS',
        details: { selector: 'fs-same', count: 2, disks: '/dev/sda, /dev/sdb' },
      }),
    );
  });

  it('reads every reason, and what to do about it', () => {
    const text = explainDisk(findDisk('sdb', disks));
    expect(text).toMatch(/is used\. It is not taken\./);
    expect(text).toMatch(/HAS_PARTITIONS: has the partitions sdb1\n +Choose a partition/);
    expect(text).toContain(findDisk('sdb', disks).digest);
  });
});

describe('the JSON of a disk', () => {
  it('has every key, and numbers for sizes', () => {
    const json = toDiskJson(findDisk('loop3', disks));
    expect(JSON.parse(JSON.stringify(json))).toEqual({
      id: expect.stringMatching(/^loop-[0-9a-f]{16}$/),
      path: '/dev/loop3',
      kernelName: 'loop3',
      sizeBytes: 100 * 2 ** 30,
      verdict: 'used',
      reasons: [{ code: 'LOOP_NOT_ALLOWED', message: 'a loop device that no selector allows' }],
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      model: null,
      vendor: null,
      serial: null,
      wwn: null,
      media: null,
      transport: 'loop',
      byId: [],
      partitions: [],
      fsType: null,
      label: null,
      mounts: [],
      pool: null,
    });
  });
});
