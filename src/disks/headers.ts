/** A format's mark: `bytes` at one of `offsets`, counted from the start, or from the end when negative. */
interface Mark {
  name: string;
  offsets: readonly number[];
  bytes: Buffer;
}

const text = (characters: string): Buffer => Buffer.from(characters, 'latin1');
const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(/[ -]/g, ''), 'hex');
const KIB = 1024;
const MIB = 1024 * KIB;
/** Swap marks the end of its first page, whose size depends on the machine. */
const PAGE_SIZES = [4, 8, 16, 32, 64].map((kib) => kib * KIB);

/**
 * From the published layout of each format. blkid knows most of them; this table names what an older blkid, or one that
 * is built without them, passes over. It only puts a name to bytes: a disk that is not all zero is not free in any case.
 */
const MARKS: readonly Mark[] = [
  { name: 'ceph_bluestore', offsets: [0], bytes: text('bluestore block device') },
  { name: 'crypto_LUKS', offsets: [0], bytes: hex('4c554b53babe') },
  { name: 'crypto_LUKS', offsets: [16, 32, 64, 128, 256, 512].map((kib) => kib * KIB), bytes: hex('534b554cbabe') },
  { name: 'LVM2_member', offsets: [0, 512, 1024, 1536], bytes: text('LABELONE') },
  { name: 'linux_raid_member', offsets: [0, 4 * KIB], bytes: hex('fc4e2ba9') },
  { name: 'bcache', offsets: [4 * KIB + 24], bytes: hex('c68573f6-4e1a-45ca-8265-f57f48ba6d81') },
  { name: 'bcachefs', offsets: [4 * KIB + 24], bytes: hex('c68573f6-66ce-90a9-d96a-60cf803df7ef') },
  { name: 'spdk_blobstore', offsets: [0], bytes: text('SPDKBLOB') },
  { name: 'stratis', offsets: [512 + 4, 9 * 512 + 4], bytes: hex('21537472613074697386ff025e417268') },
  { name: 'vdo', offsets: [0], bytes: text('dmvdo001') },
  { name: 'oracleasm', offsets: [32], bytes: text('ORCLDISK') },
  { name: 'VMFS_volume_member', offsets: [MIB], bytes: hex('0dd001c0') },
  { name: 'drbd', offsets: [-4 * KIB + 60], bytes: hex('8374026b') },
  { name: 'drbd', offsets: [-4 * KIB + 60], bytes: hex('8374026d') },
  { name: 'BitLocker', offsets: [3], bytes: text('-FVE-FS-') },
  { name: 'swap', offsets: PAGE_SIZES.map((size) => size - 10), bytes: text('SWAPSPACE2') },
  { name: 'ext4', offsets: [1024 + 56], bytes: hex('53ef') },
  { name: 'xfs', offsets: [0], bytes: text('XFSB') },
  { name: 'btrfs', offsets: [64 * KIB + 64], bytes: text('_BHRfS_M') },
  { name: 'f2fs', offsets: [1024], bytes: hex('1020f5f2') },
  { name: 'ntfs', offsets: [3], bytes: text('NTFS    ') },
  { name: 'exfat', offsets: [3], bytes: text('EXFAT   ') },
  { name: 'iso9660', offsets: [32 * KIB + 1], bytes: text('CD001') },
  { name: 'squashfs', offsets: [0], bytes: text('hsqs') },
  { name: 'apfs', offsets: [32], bytes: text('NXSB') },
  { name: 'gpt', offsets: [512, 4 * KIB, -512, -4 * KIB], bytes: text('EFI PART') },
  { name: 'mbr', offsets: [510], bytes: hex('55aa') },
];

/** Names of the formats whose marks are in the first or last bytes of a device of `sizeBytes`; an empty buffer has none. */
export function recogniseHeaders(head: Buffer, tail: Buffer, sizeBytes: bigint): string[] {
  if (head.length + tail.length === 0) return [];
  const found = MARKS.filter((mark) => mark.offsets.some((offset) => isAt(head, tail, mark.bytes, offset))).map(
    (mark) => mark.name,
  );
  if (hasMdAtEnd(tail, sizeBytes)) found.push('linux_raid_member');
  if (hasZfsLabel(head, tail, sizeBytes)) found.push('zfs_member');
  return [...new Set(found)].sort();
}

function isAt(head: Buffer, tail: Buffer, bytes: Buffer, offset: number): boolean {
  const [edge, at] = offset < 0 ? [tail, tail.length + offset] : [head, offset];
  return at >= 0 && edge.subarray(at, at + bytes.length).equals(bytes);
}

/** linux/raid/md_p.h: version 0.90 lies in the last whole 64 KiB, 1.0 at least 8 KiB before the end, on 4 KiB. */
function hasMdAtEnd(tail: Buffer, sizeBytes: bigint): boolean {
  const start = sizeBytes - BigInt(tail.length);
  const positions = [sizeBytes - (sizeBytes % 65_536n) - 65_536n, ((sizeBytes / 512n - 16n) & ~7n) * 512n].map(
    (position) => Number(position - start),
  );
  return positions.some((at) => at >= 0 && tail.subarray(at, at + 4).equals(hex('fc4e2ba9')));
}

const ZFS_LABEL_BYTES = 256 * KIB;
const ZFS_UBERBLOCKS_AT = 128 * KIB;
const ZFS_UBERBLOCK_STEP = KIB;
const ZFS_MAGIC = hex('0000000000bab10c');
const ZFS_MAGIC_SWAPPED = hex('0cb1ba0000000000');

/** ZFS on-disk format: two labels at the start and two at the end, each with a ring of uberblocks in its second half. */
function hasZfsLabel(head: Buffer, tail: Buffer, sizeBytes: bigint): boolean {
  const cut = Number(sizeBytes % BigInt(ZFS_LABEL_BYTES));
  const labels: [Buffer, number][] = [
    [head, 0],
    [head, ZFS_LABEL_BYTES],
    [tail, tail.length - cut - 2 * ZFS_LABEL_BYTES],
    [tail, tail.length - cut - ZFS_LABEL_BYTES],
  ];
  return labels.some(([edge, start]) => {
    for (let at = ZFS_UBERBLOCKS_AT; at < ZFS_LABEL_BYTES; at += ZFS_UBERBLOCK_STEP) {
      if (start + at < 0) continue;
      const magic = edge.subarray(start + at, start + at + 8);
      if (magic.equals(ZFS_MAGIC) || magic.equals(ZFS_MAGIC_SWAPPED)) return true;
    }
    return false;
  });
}
