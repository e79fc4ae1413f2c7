import { BerthError } from '../errors.ts';
import type { Volume } from '../volumes/model.ts';

/** Allowed options by name. `true` takes no value; a pattern is for the whole value after `=`. */
type Allowed = Record<string, true | RegExp>;

/** Flags of the mount itself: they work on every volume. */
const FLAGS: Allowed = {
  ro: true,
  rw: true,
  noatime: true,
  nodiratime: true,
  relatime: true,
  strictatime: true,
  lazytime: true,
  nosuid: true,
  nodev: true,
  noexec: true,
  sync: true,
  dirsync: true,
};

// A label of SELinux has at most two commas, and only in quotes are they part of the value.
const LABEL = /^("[\w.:,-]+"|[\w.:-]+)$/;
/** What the kubelet adds for CSIDriver.seLinuxMount; right only for a file system that holds one volume. */
const SELINUX: Allowed = { context: LABEL, fscontext: LABEL, defcontext: LABEL, rootcontext: LABEL };

/** Options of a file system of the volume's own that can hurt nothing but the volume's speed. */
const FILESYSTEMS: Record<string, Allowed> = {
  ext4: {
    commit: /^\d{1,4}$/,
    data: /^(journal|ordered)$/,
    delalloc: true,
    discard: true,
    errors: /^(continue|remount-ro)$/,
    init_itable: /^\d{1,4}$/,
    nodelalloc: true,
    nodiscard: true,
    noinit_itable: true,
    stripe: /^\d{1,7}$/,
  },
  xfs: {
    allocsize: /^\d{1,7}[kmg]?$/,
    discard: true,
    inode32: true,
    inode64: true,
    largeio: true,
    logbsize: /^\d{1,7}k?$/,
    logbufs: /^\d$/,
    nodiscard: true,
    nolargeio: true,
    swalloc: true,
    wsync: true,
  },
  btrfs: {
    autodefrag: true,
    commit: /^\d{1,4}$/,
    compress: /^(no|lzo|zlib(:[1-9])?|zstd(:([1-9]|1[0-5]))?)$/,
    'compress-force': /^(lzo|zlib(:[1-9])?|zstd(:([1-9]|1[0-5]))?)$/,
    discard: /^(async|sync)$/,
    flushoncommit: true,
    noautodefrag: true,
    nodiscard: true,
    nossd: true,
    ssd: true,
    thread_pool: /^\d{1,3}$/,
  },
};

/**
 * Refuses options that no volume of this file system type could have. '' leaves the type to the pool, so an option is
 * fine when any of them knows it; what the volume then is, `checkVolumeMountOptions` compares.
 */
export function checkMountOptions(fsType: string, options: readonly string[]): void {
  const types = fsType === '' ? Object.keys(FILESYSTEMS) : [fsType];
  const own = types.filter((type) => Object.hasOwn(FILESYSTEMS, type)).map((type) => FILESYSTEMS[type]!);
  check(fsType || 'any file system', [FLAGS, ...(own.length === 0 ? [] : [SELINUX, ...own])], options);
}

/** Refuses options that this volume cannot have: only one on an image has a file system of its own to give them to. */
export function checkVolumeMountOptions(volume: Pick<Volume, 'backend' | 'content'>, options: readonly string[]): void {
  const own = volume.backend === 'image' && Object.hasOwn(FILESYSTEMS, volume.content);
  const lists = own ? [FLAGS, SELINUX, FILESYSTEMS[volume.content]!] : [FLAGS];
  check(own ? volume.content : `volumes of the backend ${volume.backend}`, lists, options);
}

/** Whether every volume can have the option. */
export const isMountFlagOption = (option: string): boolean => Object.hasOwn(FLAGS, option);

function check(subject: string, lists: readonly Allowed[], options: readonly string[]): void {
  for (const option of options) {
    const [name, value] = splitOnce(option);
    if (lists.some((allowed) => allows(allowed, name, value))) continue;
    throw new BerthError('MOUNT_OPTION_REFUSED', {
      option: nameForMessage(name),
      fsType: subject,
      allowed: [...new Set(lists.flatMap((allowed) => Object.keys(allowed)))].join(' '),
    });
  }
}

function allows(allowed: Allowed, name: string, value: string | undefined): boolean {
  if (!Object.hasOwn(allowed, name)) return false;
  const form = allowed[name]!;
  return form === true ? value === undefined : value !== undefined && form.test(value);
}

function splitOnce(option: string): [name: string, value: string | undefined] {
  const at = option.indexOf('=');
  return at === -1 ? [option, undefined] : [option.slice(0, at), option.slice(at + 1)];
}

/** mount_flags may hold secrets, so a message has the name only, and not what does not look like one. */
const nameForMessage = (name: string): string => (/^[\w.-]{1,40}$/.test(name) ? name : '(unreadable)');
