import { closeSync, openSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** Bytes at an offset of an otherwise empty device. */
export interface Patch {
  offset: number;
  data: Buffer;
}

const KIB = 1024;
const uuid = Buffer.from('5e1fa7b7c0de4a5eb1a5c0ffee000001', 'hex');
const at = (offset: number, data: Buffer | string): Patch => ({
  offset,
  data: typeof data === 'string' ? Buffer.from(data, 'latin1') : data,
});

export function writePatches(path: string, patches: readonly Patch[]): void {
  const fd = openSync(path, 'r+');
  try {
    for (const { offset, data } of patches) writeSync(fd, data, 0, data.length, offset);
  } finally {
    closeSync(fd);
  }
}

/** LUKS on-disk format 1.2 and 2.0: magic, version, and where blkid looks the UUID, as text. */
function luks(version: 1 | 2): Patch[] {
  const header = Buffer.alloc(512);
  header.write('4c554b53babe', 0, 'hex');
  header.writeUInt16BE(version, 6);
  if (version === 2) header.writeBigUInt64BE(16_384n, 8);
  header.write('5e1fa7b7-c0de-4a5e-b1a5-c0ffee000002', 168, 'latin1');
  return [at(0, header)];
}

/** LVM2 label in sector 1, with its own CRC (lib/misc/crc.c). */
function lvm(): Patch[] {
  const label = Buffer.alloc(512);
  label.write('LABELONE', 0, 'latin1');
  label.writeBigUInt64LE(1n, 8);
  label.writeUInt32LE(32, 20);
  label.write('LVM2 001', 24, 'latin1');
  label.write('0123456789abcdefghijklmnopqrstuv', 32, 'latin1');
  let crc = 0xf597a6cf;
  for (const byte of label.subarray(20)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  label.writeUInt32LE(crc >>> 0, 16);
  return [at(512, label)];
}

/** md superblock version 1 (linux/raid/md_p.h); where it lies is its minor version. */
function md(position: number): Patch[] {
  const superblock = Buffer.alloc(256);
  superblock.writeUInt32LE(0xa92b4efc, 0);
  superblock.writeUInt32LE(1, 4);
  uuid.copy(superblock, 16);
  superblock.write('host:0', 32, 'latin1');
  superblock.writeBigUInt64LE(BigInt(position / 512), 144);
  return [at(position, superblock)];
}

/** The uberblocks of one ZFS label. */
function zfsLabel(start: number): Patch[] {
  return Array.from({ length: 16 }, (_, index) => {
    const uberblock = Buffer.alloc(168);
    uberblock.writeBigUInt64LE(0x00bab10cn, 0);
    uberblock.writeBigUInt64LE(5000n, 8);
    uberblock.writeBigUInt64LE(BigInt(index), 16);
    return at(start + (128 + index) * KIB, uberblock);
  });
}

/** bcache superblock (linux/bcache.h) at 4 KiB. */
function bcache(): Patch[] {
  const superblock = Buffer.alloc(208);
  superblock.writeBigUInt64LE(8n, 8);
  superblock.writeBigUInt64LE(1n, 16);
  superblock.write('c68573f64e1a45ca8265f57f48ba6d81', 24, 'hex');
  uuid.copy(superblock, 40);
  return [at(4 * KIB, superblock)];
}

function mbr(type: number): Patch[] {
  const sector = Buffer.alloc(512);
  sector.writeUInt32LE(0xbe27be27, 440);
  sector[446 + 4] = type;
  sector.writeUInt32LE(2048, 446 + 8);
  sector.writeUInt32LE(65_536, 446 + 12);
  sector.writeUInt16LE(0xaa55, 510);
  return [at(0, sector)];
}

/** UEFI 2.10, 5.3: a protective MBR, and the header and the table at the start and again at the end. */
function gpt(sizeBytes: number, entries: number): Patch[] {
  const sectors = BigInt(sizeBytes / 512);
  const table = Buffer.alloc(128 * 128);
  for (let index = 0; index < entries; index++) {
    table.write('af3dc60f838472478e793d69d8477de4', index * 128, 'hex'); // Linux filesystem
    uuid.copy(table, index * 128 + 16);
    table.writeBigUInt64LE(2048n * BigInt(index + 1), index * 128 + 32);
    table.writeBigUInt64LE(2048n * BigInt(index + 2) - 1n, index * 128 + 40);
  }
  const header = (own: bigint, other: bigint, tableAt: bigint): Buffer => {
    const sector = Buffer.alloc(512);
    sector.write('EFI PART', 0, 'latin1');
    sector.writeUInt32LE(0x00010000, 8);
    sector.writeUInt32LE(92, 12);
    for (const [index, value] of [own, other, 34n, sectors - 34n].entries()) {
      sector.writeBigUInt64LE(value, 24 + 8 * index);
    }
    uuid.copy(sector, 56);
    sector.writeBigUInt64LE(tableAt, 72);
    sector.writeUInt32LE(128, 80);
    sector.writeUInt32LE(128, 84);
    sector.writeUInt32LE(crc32(table), 88);
    sector.writeUInt32LE(crc32(sector.subarray(0, 92)), 16);
    return sector;
  };
  return [
    ...mbr(0xee),
    at(512, header(1n, sectors - 1n, 2n)),
    at(1024, table),
    at(sizeBytes - 33 * 512, table),
    at(sizeBytes - 512, header(sectors - 1n, 1n, sectors - 33n)),
  ];
}

/** DRBD 9 internal metadata, in the last 4 KiB. */
function drbd(sizeBytes: number): Patch[] {
  const block = Buffer.alloc(64);
  block.writeUInt32BE(0x8374026d, 60);
  return [at(sizeBytes - 4 * KIB, block)];
}

const zfsEnd = (sizeBytes: number): number => sizeBytes - (sizeBytes % (256 * KIB));

/** What each tool leaves on an empty device, as far as it takes to be recognised, from the formats' published layouts. */
export const animals = {
  luks1: () => luks(1),
  luks2: () => luks(2),
  lvm,
  md10: (sizeBytes) => md((Math.floor(sizeBytes / 512 - 16) & ~7) * 512),
  md12: () => md(4 * KIB),
  zfs: (sizeBytes) => [0, 256 * KIB, zfsEnd(sizeBytes) - 512 * KIB, zfsEnd(sizeBytes) - 256 * KIB].flatMap(zfsLabel),
  zfsFront: () => zfsLabel(0),
  zfsEndOnly: (sizeBytes) => zfsLabel(zfsEnd(sizeBytes) - 256 * KIB),
  bcache,
  bluestore: () => [at(0, 'bluestore block device\n5e1fa7b7-c0de-4a5e-b1a5-c0ffee000003\n')],
  gpt: (sizeBytes) => gpt(sizeBytes, 1),
  emptyGpt: (sizeBytes) => gpt(sizeBytes, 0),
  gptBackupOnly: (sizeBytes) => gpt(sizeBytes, 0).slice(-1),
  mbr: () => mbr(0x83),
  protectiveMbr: () => mbr(0xee),
  drbd,
  spdk: () => [at(0, 'SPDKBLOB')],
  stratis: () => [at(516, Buffer.from('21537472613074697386ff025e417268', 'hex'))],
  vmfs: () => [at(KIB * KIB, Buffer.from('0dd001c0', 'hex'))],
  oracleAsm: () => [at(32, 'ORCLDISK')],
} satisfies Record<string, (sizeBytes: number) => Patch[]>;
