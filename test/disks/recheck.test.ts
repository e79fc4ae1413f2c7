import { describe, expect, it } from 'vitest';
import { recheckDisk } from '../../src/disks/recheck.ts';
import { type RecordedDevice, recordedSources } from '../../src/disks/recorded.ts';
import { judgeOne } from './judge.ts';
import { blkidFound, type FakeMachine, fakeMachine } from './machine.ts';

const change = (fake: FakeMachine, device: Partial<RecordedDevice>): void =>
  void Object.assign(fake.machine.devices['/dev/sda']!, device);

/** Lists a free disk, lets something happen to the machine, then rechecks what was listed. */
async function recheckAfter(happen: (fake: FakeMachine) => void) {
  const fake = fakeMachine().disk('sda').disk('sdb');
  const disk = await judgeOne(fake, 'sda');
  expect(disk.verdict).toBe('free');
  happen(fake);
  return recheckDisk(recordedSources(fake.machine), disk, disk.digest);
}

describe('what was listed as free', () => {
  it('is held when nothing changed, and let go', async () => {
    const closed: string[] = [];
    const fake = fakeMachine().disk('sda');
    const disk = await judgeOne(fake, 'sda');
    const sources = recordedSources(fake.machine);
    const held = await recheckDisk(
      {
        ...sources,
        openExclusive: async (path) => ({ fd: 7, number: '8:0', close: async () => void closed.push(path) }),
      },
      disk,
      disk.digest,
    );
    expect(held).toMatchObject({ path: '/dev/sda', fd: 7 });
    expect(closed).toEqual([]);
    await held.close();
    expect(closed).toEqual(['/dev/sda']);
  });

  const changes: [string, string, (fake: FakeMachine) => void][] = [
    [
      'got a file system',
      'DISK_CHANGED',
      (fake) => {
        change(fake, { probe: blkidFound({ ID_FS_TYPE: 'ext4', ID_FS_UUID: 'u' }) });
      },
    ],
    [
      'got a byte',
      'DISK_CHANGED',
      (fake) => {
        change(fake, { bytes: [{ offset: 0, base64: 'AQ==' }] });
      },
    ],
    ['grew', 'DISK_CHANGED', (fake) => void fake.sys('sda', 'size', '7777777777')],
    ['was exchanged', 'DISK_CHANGED', (fake) => void fake.sys('sda', 'device/serial', 'another')],
    ['is another by the same name', 'DISK_CHANGED', (fake) => change(fake, { number: '8:77' })],
    ['was mounted', 'DISK_CHANGED', (fake) => void fake.mount('8:0', '/srv/x')],
    ['lost its udev entry', 'DISK_CHANGED', (fake) => void fake.remove('udev', 'data/b8:0')],
    ['was opened exclusively', 'DISK_IN_USE', (fake) => change(fake, { exclusiveError: 'EBUSY' })],
    ['lost its node', 'DISK_NOT_FOUND', (fake) => void delete fake.machine.devices['/dev/sda']],
    ['is gone', 'DISK_NOT_FOUND', (fake) => void delete fake.machine.links.sys['class/block/sda']],
  ];
  it.each(changes)('and %s is refused: %s', async (_, code, happen) => {
    await expect(recheckAfter(happen)).rejects.toMatchObject({ code });
  });

  it('and is refused lets go of the device', async () => {
    const fake = fakeMachine().disk('sda');
    const disk = await judgeOne(fake, 'sda');
    fake.sys('sda', 'size', '1');
    let open = 0;
    const sources = {
      ...recordedSources(fake.machine),
      openExclusive: async () => ({ fd: ++open, number: '8:0', close: async () => void open-- }),
    };
    await expect(recheckDisk(sources, disk, disk.digest)).rejects.toMatchObject({ code: 'DISK_CHANGED' });
    expect(open).toBe(0);
  });

  it('is refused when its name has become another device just before it was opened', async () => {
    const fake = fakeMachine().disk('sda');
    const disk = await judgeOne(fake, 'sda');
    const sources = {
      ...recordedSources(fake.machine),
      openExclusive: async () => ({ fd: 7, number: '8:16', close: async () => {} }),
    };
    await expect(recheckDisk(sources, disk, disk.digest)).rejects.toMatchObject({ code: 'DISK_CHANGED' });
  });

  it('is refused with the digest of another listing', async () => {
    const fake = fakeMachine().disk('sda');
    const disk = await judgeOne(fake, 'sda');
    await expect(recheckDisk(recordedSources(fake.machine), disk, 'other')).rejects.toMatchObject({
      code: 'DISK_CHANGED',
    });
  });
});

describe('what was listed as anything else', () => {
  it('is refused with all that speaks against it', async () => {
    const fake = fakeMachine()
      .disk('sda', { sys: { ro: '1' } })
      .mount('8:0', '/srv/x');
    const disk = await judgeOne(fake, 'sda');
    await expect(recheckDisk(recordedSources(fake.machine), disk, disk.digest)).rejects.toThrow(/MOUNTED.*READ_ONLY/);
  });
});

describe('a digest', () => {
  it('changes with every fact of the snapshot', async () => {
    const plain = await judgeOne(fakeMachine().disk('sda'), 'sda');
    const again = await judgeOne(fakeMachine().disk('sda'), 'sda');
    expect(again.digest).toBe(plain.digest);
    const variants = [
      fakeMachine().disk('sda', { udev: { ID_PATH: 'pci-1' } }),
      fakeMachine().disk('sda', { links: ['disk/by-id/x'] }),
      fakeMachine().disk('sda', { sys: { 'queue/rotational': '1' } }),
      fakeMachine().disk('sda', { at: 'elsewhere' }),
      fakeMachine().disk('sda').swap('/dev/sda'),
    ];
    const digests = await Promise.all(variants.map(async (fake) => (await judgeOne(fake, 'sda')).digest));
    expect(new Set([plain.digest, ...digests]).size).toBe(variants.length + 1);
  });
});
