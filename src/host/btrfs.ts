import { searchTree } from './btrfs-search.ts';
import { io, ioctl, ior, iow, iowr } from './ioctl.ts';
import { addressOf, errorCode } from './libc.ts';

// Requests and layouts of include/uapi/linux/btrfs.h and btrfs_tree.h. All numbers are little-endian on disk and in
// the native order in the structures, which is little-endian on every machine that Node runs on with btrfs.
const MAGIC = 0x94;
const SYNC = io(MAGIC, 8);
const RESIZE = iow(MAGIC, 3, 4096);
const SET_FSLABEL = iow(MAGIC, 50, 256);
const SNAP_CREATE_V2 = iow(MAGIC, 23, 4096);
const SUBVOL_CREATE_V2 = iow(MAGIC, 24, 4096);
const SUBVOL_GETFLAGS = ior(MAGIC, 25, 8);
const SUBVOL_SETFLAGS = iow(MAGIC, 26, 8);
const QUOTA_CTL = iowr(MAGIC, 40, 16);
const QGROUP_CREATE = iow(MAGIC, 42, 16);
const QGROUP_LIMIT = ior(MAGIC, 43, 48);
const QUOTA_RESCAN = iow(MAGIC, 44, 64);
const QUOTA_RESCAN_WAIT = io(MAGIC, 46);
const FS_INFO = ior(MAGIC, 31, 1024);
const GET_SUBVOL_INFO = ior(MAGIC, 60, 504);
const SNAP_DESTROY_V2 = iow(MAGIC, 63, 4096);

// include/uapi/linux/fs.h
const FS_GETFLAGS = ior(0x66, 1, 8);
const FS_SETFLAGS = iow(0x66, 2, 8);
const FS_NOCOW_FL = 0x00800000;

const SUBVOL_RDONLY = 1n << 1n;
const SUBVOL_QGROUP_INHERIT = 1n << 2n;
const SUBVOL_SPEC_BY_ID = 1n << 4n;
const QGROUP_INHERIT_SET_LIMITS = 1n;
const LIMIT_MAX_RFER = 1n;
const NAME_MAX = 4039;
const VOLUME_ARGS_BYTES = 4096;
const INHERIT_BYTES = 72;

const QUOTA_TREE_ID = 8n;
const ROOT_TREE_ID = 1n;
const ROOT_ITEM_KEY = 132;
const ROOT_BACKREF_KEY = 144;
const ROOT_REF_KEY = 156;
const INODE_ITEM_KEY = 1;
const QGROUP_STATUS_KEY = 240;
const QGROUP_INFO_KEY = 242;
const QGROUP_LIMIT_KEY = 244;

/** How a file system counts what its subvolumes use; `simple` needs Linux 6.7. */
export type QuotaMode = 'qgroup' | 'simple';

/** What the kernel itself knows of a subvolume. `uuid` cannot be forged from inside it. */
export interface SubvolumeInfo {
  id: bigint;
  uuid: string;
  parentUuid: string;
  readOnly: boolean;
  /** Rises with each change to the subvolume. */
  generation: bigint;
}

/** Use of a subvolume as its quota group counts it, in bytes, as of the last commit. */
export interface QgroupUsage {
  referencedBytes: bigint;
  exclusiveBytes: bigint;
}

function volumeArgs(name: string, flags = 0n, extraBytes = 0): Buffer {
  const bytes = Buffer.from(name);
  if (bytes.length > NAME_MAX) throw new RangeError(`subvolume name of ${bytes.length} bytes`);
  const args = Buffer.alloc(VOLUME_ARGS_BYTES + extraBytes);
  args.writeBigUInt64LE(flags, 16);
  bytes.copy(args, 56);
  return args;
}

function limitStruct(limitBytes: bigint): Buffer {
  const limit = Buffer.alloc(40);
  limit.writeBigUInt64LE(LIMIT_MAX_RFER, 0);
  limit.writeBigUInt64LE(limitBytes, 8);
  return limit;
}

/**
 * Arguments with a btrfs_qgroup_inherit that only sets a limit: subvolume, quota group and limit are then made in one
 * call. The kernel finds it by a pointer, so it lies behind the arguments in the same buffer: one of its own could be
 * collected before the kernel reads it.
 */
function limitedVolumeArgs(name: string, limitBytes: bigint | undefined): Buffer {
  if (limitBytes === undefined) return volumeArgs(name);
  const args = volumeArgs(name, SUBVOL_QGROUP_INHERIT, INHERIT_BYTES);
  args.writeBigUInt64LE(BigInt(INHERIT_BYTES), 24);
  args.writeBigUInt64LE(addressOf(args) + BigInt(VOLUME_ARGS_BYTES), 32);
  args.writeBigUInt64LE(QGROUP_INHERIT_SET_LIMITS, VOLUME_ARGS_BYTES);
  limitStruct(limitBytes).copy(args, VOLUME_ARGS_BYTES + 32);
  return args;
}

/** Creates subvolume `name` in the directory `dirfd`, limited to `limitBytes` when quotas are on. */
export function createSubvolume(dirfd: number, name: string, limitBytes?: bigint): void {
  ioctl(dirfd, SUBVOL_CREATE_V2, limitedVolumeArgs(name, limitBytes), `create subvolume ${name}`);
}

/** Snapshots the subvolume open as `sourceFd` to `name` in `dirfd`; atomic for the whole subvolume. */
export function snapshotSubvolume(sourceFd: number, dirfd: number, name: string, limitBytes?: bigint): void {
  const args = limitedVolumeArgs(name, limitBytes);
  args.writeBigInt64LE(BigInt(sourceFd), 0);
  ioctl(dirfd, SNAP_CREATE_V2, args, `snapshot to ${name}`);
}

/** Unlinks subvolume `name`; the kernel frees its space in the background (see `subvolumeExists`). */
export function destroySubvolume(dirfd: number, name: string): void {
  ioctl(dirfd, SNAP_DESTROY_V2, volumeArgs(name), `destroy subvolume ${name}`);
}

/** Unlinks a subvolume by its number, wherever in the file system of `fd` it is. */
export function destroySubvolumeById(fd: number, id: bigint): void {
  const args = volumeArgs('', SUBVOL_SPEC_BY_ID);
  args.writeBigUInt64LE(id, 56);
  try {
    ioctl(fd, SNAP_DESTROY_V2, args, `destroy subvolume ${id}`);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** Numbers of the subvolumes directly inside subvolume `id`. */
export function childSubvolumes(fd: number, id: bigint): bigint[] {
  const range = searchTree(fd, ROOT_TREE_ID, [id, ROOT_REF_KEY, 0n], [id, ROOT_REF_KEY, 2n ** 64n - 1n]);
  return Array.from(range, (item) => item.offset);
}

/** The subvolumes numbered `from` and above, with what each is directly inside of, in the order of their numbers. */
export function* subvolumesFrom(fd: number, from: bigint): Generator<{ id: bigint; parent: bigint }> {
  const last = 2n ** 64n - 1n;
  for (const item of searchTree(
    fd,
    ROOT_TREE_ID,
    [from, ROOT_BACKREF_KEY, 0n],
    [last - 256n, ROOT_BACKREF_KEY, last],
  )) {
    yield { id: item.objectid, parent: item.offset };
  }
}

/** UUID of the file system, by which sysfs knows it. */
export function filesystemUuid(fd: number): string {
  const info = Buffer.alloc(1024);
  ioctl(fd, FS_INFO, info, 'file system info');
  return formatUuid(info.subarray(16, 32));
}

/** New files beneath the directory `fd` are written in place, without copy-on-write and checksums. */
export function setNoCow(fd: number): void {
  const flags = Buffer.alloc(8);
  ioctl(fd, FS_GETFLAGS, flags, 'file flags');
  flags.writeUInt32LE((flags.readUInt32LE(0) | FS_NOCOW_FL) >>> 0, 0);
  ioctl(fd, FS_SETFLAGS, flags, 'set nodatacow');
}

const formatUuid = (bytes: Buffer): string =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

/** The kernel's record of the subvolume that `fd` is in. */
export function subvolumeInfo(fd: number): SubvolumeInfo {
  const info = Buffer.alloc(504);
  ioctl(fd, GET_SUBVOL_INFO, info, 'subvolume info');
  return {
    id: info.readBigUInt64LE(0),
    generation: info.readBigUInt64LE(280),
    readOnly: (info.readBigUInt64LE(288) & 1n) === 1n,
    uuid: formatUuid(info.subarray(296, 312)),
    parentUuid: formatUuid(info.subarray(312, 328)),
  };
}

export function setReadOnly(fd: number, readOnly: boolean): void {
  const flags = Buffer.alloc(8);
  ioctl(fd, SUBVOL_GETFLAGS, flags, 'subvolume flags');
  const value = flags.readBigUInt64LE(0);
  flags.writeBigUInt64LE(readOnly ? value | SUBVOL_RDONLY : value & ~SUBVOL_RDONLY, 0);
  ioctl(fd, SUBVOL_SETFLAGS, flags, 'set subvolume flags');
}

/** Turns quotas on; a file system that has them on keeps the mode it has. */
export function enableQuota(fd: number, mode: QuotaMode): void {
  const args = Buffer.alloc(16);
  args.writeBigUInt64LE(mode === 'simple' ? 4n : 1n, 0);
  ioctl(fd, QUOTA_CTL, args, `enable ${mode} quota`);
  if (mode === 'qgroup') ioctl(fd, QUOTA_RESCAN_WAIT, 0, 'quota rescan');
}

/** The quota mode in force, or undefined when quotas are off. `consistent` is false while the kernel doubts its counts. */
export function quotaStatus(fd: number): { mode: QuotaMode; consistent: boolean } | undefined {
  for (const item of searchTree(fd, QUOTA_TREE_ID, [0n, QGROUP_STATUS_KEY, 0n], [0n, QGROUP_STATUS_KEY, 0n])) {
    const flags = item.data.readBigUInt64LE(16);
    const simple = (flags & 8n) !== 0n;
    return { mode: simple ? 'simple' : 'qgroup', consistent: (flags & 4n) === 0n };
  }
  return undefined;
}

/** Makes the kernel count anew, in the background; one that counts already goes on. */
export function rescanQuota(fd: number): void {
  try {
    ioctl(fd, QUOTA_RESCAN, Buffer.alloc(64), 'quota rescan');
  } catch (error) {
    if (errorCode(error) !== 'EINPROGRESS') throw error;
  }
}

/** Limits what subvolume `id` may reference, in bytes. */
export function limitQgroup(fd: number, id: bigint, limitBytes: bigint): void {
  const args = Buffer.alloc(48);
  args.writeBigUInt64LE(id, 0);
  limitStruct(limitBytes).copy(args, 8);
  ioctl(fd, QGROUP_LIMIT, args, `limit qgroup 0/${id}`);
}

/** Removes the quota group of a subvolume that is gone; one that is gone already is fine. */
export function destroyQgroup(fd: number, id: bigint): void {
  const args = Buffer.alloc(16);
  args.writeBigUInt64LE(id, 8);
  try {
    ioctl(fd, QGROUP_CREATE, args, `destroy qgroup 0/${id}`);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

export function qgroupUsage(fd: number, id: bigint): QgroupUsage | undefined {
  for (const item of searchTree(fd, QUOTA_TREE_ID, [0n, QGROUP_INFO_KEY, id], [0n, QGROUP_INFO_KEY, id])) {
    return { referencedBytes: item.data.readBigUInt64LE(8), exclusiveBytes: item.data.readBigUInt64LE(24) };
  }
  return undefined;
}

/** Numbers of the subvolumes that have a quota group, whether they exist or not. */
export function listQgroups(fd: number): bigint[] {
  const range = searchTree(fd, QUOTA_TREE_ID, [0n, QGROUP_INFO_KEY, 0n], [0n, QGROUP_INFO_KEY, 2n ** 48n - 1n]);
  return Array.from(range, (item) => item.offset);
}

/** The limit in force on subvolume `id`, in bytes, or undefined when there is none. */
export function qgroupLimit(fd: number, id: bigint): bigint | undefined {
  for (const item of searchTree(fd, QUOTA_TREE_ID, [0n, QGROUP_LIMIT_KEY, id], [0n, QGROUP_LIMIT_KEY, id])) {
    return (item.data.readBigUInt64LE(0) & LIMIT_MAX_RFER) === 0n ? undefined : item.data.readBigUInt64LE(8);
  }
  return undefined;
}

/** The limits in force, in bytes, by subvolume number. */
export function listLimits(fd: number): Map<bigint, bigint> {
  const limits = new Map<bigint, bigint>();
  for (const item of searchTree(
    fd,
    QUOTA_TREE_ID,
    [0n, QGROUP_LIMIT_KEY, 0n],
    [0n, QGROUP_LIMIT_KEY, 2n ** 48n - 1n],
  )) {
    if ((item.data.readBigUInt64LE(0) & LIMIT_MAX_RFER) !== 0n) limits.set(item.offset, item.data.readBigUInt64LE(8));
  }
  return limits;
}

/** Whether subvolume `id` still takes space: a destroyed one does until the kernel's cleaner is through with it. */
export function subvolumeExists(fd: number, id: bigint): boolean {
  for (const _ of searchTree(fd, ROOT_TREE_ID, [id, ROOT_ITEM_KEY, 0n], [id, ROOT_ITEM_KEY, 2n ** 64n - 1n]))
    return true;
  return false;
}

/** Counts the inodes of the subvolume that `fd` is in, beginning after inode `from`, at most `budget` of them. */
export function countInodes(fd: number, from: bigint, budget: number): { count: number; next: bigint | undefined } {
  let count = 0;
  let last = from;
  for (const item of searchTree(fd, 0n, [from + 1n, INODE_ITEM_KEY, 0n], [2n ** 64n - 256n, INODE_ITEM_KEY, 0n])) {
    if (item.type !== INODE_ITEM_KEY) continue;
    count += 1;
    last = item.objectid;
    if (count >= budget) return { count, next: last };
  }
  return { count, next: undefined };
}

/** Grows or shrinks the mounted file system to its device ("max") or to a number of bytes. */
export function resizeFilesystem(fd: number, size: 'max' | bigint): void {
  const args = Buffer.alloc(4096);
  args.write(String(size), 8);
  ioctl(fd, RESIZE, args, `resize to ${size}`);
}

/** Sets the label of a mounted file system; also for XFS, which takes 12 bytes. */
export function setLabel(fd: number, label: string): void {
  const bytes = Buffer.alloc(256);
  bytes.write(label, 0, 255);
  ioctl(fd, SET_FSLABEL, bytes, 'set label');
}

export function sync(fd: number): void {
  ioctl(fd, SYNC, 0, 'sync');
}
