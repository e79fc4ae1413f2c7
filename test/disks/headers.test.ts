import { describe, expect, it } from 'vitest';
import { recogniseHeaders } from '../../src/disks/headers.ts';
import { EDGE_BYTES } from '../../src/disks/snapshot.ts';
import { animals, type Patch } from './zoo.ts';

/** An odd size, so that what lies at the end is not on a round place. */
const sizeBytes = 300 * 2 ** 20 + 100 * 1024;

function edges(patches: readonly Patch[]): [Buffer, Buffer] {
  const head = Buffer.alloc(EDGE_BYTES);
  const tail = Buffer.alloc(EDGE_BYTES);
  for (const { offset, data } of patches) {
    if (offset < EDGE_BYTES) data.copy(head, offset);
    const inTail = offset - (sizeBytes - EDGE_BYTES);
    if (inTail >= 0) data.copy(tail, inTail);
  }
  return [head, tail];
}

const recognise = (patches: readonly Patch[]): string[] => recogniseHeaders(...edges(patches), BigInt(sizeBytes));

const expected: Record<keyof typeof animals, string[]> = {
  luks1: ['crypto_LUKS'],
  luks2: ['crypto_LUKS'],
  lvm: ['LVM2_member'],
  md10: ['linux_raid_member'],
  md12: ['linux_raid_member'],
  zfs: ['zfs_member'],
  zfsFront: ['zfs_member'],
  zfsEndOnly: ['zfs_member'],
  bcache: ['bcache'],
  bluestore: ['ceph_bluestore'],
  gpt: ['gpt', 'mbr'],
  emptyGpt: ['gpt', 'mbr'],
  gptBackupOnly: ['gpt'],
  mbr: ['mbr'],
  protectiveMbr: ['mbr'],
  drbd: ['drbd'],
  spdk: ['spdk_blobstore'],
  stratis: ['stratis'],
  vmfs: ['VMFS_volume_member'],
  oracleAsm: ['oracleasm'],
};

describe('the marks of formats', () => {
  it.each(Object.entries(expected))('of %s are %j', (animal, names) => {
    expect(recognise(animals[animal as keyof typeof animals](sizeBytes))).toEqual(names);
  });

  it('are not found in nothing', () => {
    expect(recognise([])).toEqual([]);
    expect(recogniseHeaders(Buffer.alloc(0), Buffer.alloc(0), 0n)).toEqual([]);
  });

  it('are those of a big-endian ZFS and of md 0.90 as well', () => {
    const swapped = Buffer.from('0000000000bab10c', 'hex');
    expect(recognise([{ offset: 256 * 1024 + 130 * 1024, data: swapped }])).toEqual(['zfs_member']);
    const end = sizeBytes - (sizeBytes % 65_536) - 65_536;
    expect(recognise([{ offset: end, data: Buffer.from('fc4e2ba9', 'hex') }])).toEqual(['linux_raid_member']);
  });
});
