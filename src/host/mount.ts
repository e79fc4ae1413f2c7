import { libcMount, libcUmount2 } from './libc.ts';

// include/uapi/linux/mount.h
const FLAGS = {
  ro: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  sync: 16,
  dirsync: 128,
  noatime: 1024,
  nodiratime: 2048,
  relatime: 1 << 21,
  strictatime: 1 << 24,
  lazytime: 1 << 25,
} as const;
const MS_REMOUNT = 32;
const MS_BIND = 4096;
const MS_REC = 16384;
const MS_PRIVATE = 1 << 18;
const MNT_FORCE = 1;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

/** A mount option that is a flag of the mount itself, not of the file system. */
export type MountFlag = keyof typeof FLAGS;

export const mountFlags = Object.keys(FLAGS) as MountFlag[];

export const isMountFlag = (option: string): option is MountFlag => Object.hasOwn(FLAGS, option);

const bits = (flags: readonly MountFlag[]): number => flags.reduce((sum, flag) => sum | FLAGS[flag], 0);

/** Mounts `source` at `target`; options that are no flags go to the file system as they are. */
export function mountFilesystem(source: string, target: string, type: string, options: readonly string[]): void {
  const flags = options.filter(isMountFlag);
  const data = options.filter((option) => !isMountFlag(option) && option !== 'rw').join(',');
  libcMount(`${source} at ${target}`, source, target, type, bits(flags), data || null);
}

/**
 * Makes `source` visible at `target`, with per-mount flags of its own. A bind mount takes its flags only by a second
 * call; when that fails the first is undone.
 */
export function bindMount(source: string, target: string, flags: readonly MountFlag[] = []): void {
  libcMount(`${source} at ${target}`, source, target, null, MS_BIND, null);
  if (flags.length === 0) return;
  try {
    remountBind(target, flags);
  } catch (error) {
    unmount(target);
    throw error;
  }
}

/** Gives an existing bind mount exactly these flags. */
export function remountBind(target: string, flags: readonly MountFlag[]): void {
  libcMount(`flags of ${target}`, null, target, null, MS_BIND | MS_REMOUNT | bits(flags), null);
}

/** Keeps mounts made beneath `target` from showing up elsewhere. */
export function makePrivate(target: string): void {
  libcMount(target, null, target, null, MS_REC | MS_PRIVATE, null);
}

/** Unmounts the topmost mount at `target`. EBUSY is thrown, never hidden (design §2.6). */
export function unmount(target: string, how: 'plain' | 'detach' | 'force' = 'plain'): void {
  const flags = { plain: 0, detach: MNT_DETACH, force: MNT_FORCE }[how];
  libcUmount2(target, target, flags | UMOUNT_NOFOLLOW);
}
