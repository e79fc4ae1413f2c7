import { closeSync, constants } from 'node:fs';
import {
  childSubvolumes,
  createSubvolume,
  destroyQgroup,
  destroySubvolume,
  destroySubvolumeById,
  limitQgroup,
  listQgroups,
  qgroupUsage,
  quotaStatus,
  setNoCow,
  setReadOnly,
  snapshotSubvolume,
  subvolumeExists,
  subvolumeInfo,
  subvolumesFrom,
} from '../../host/btrfs.ts';
import { openBeneath } from '../../host/files.ts';
import { errorCode } from '../../host/libc.ts';
import { bindMount, isMountFlag } from '../../host/mount.ts';
import type { BackendDriver, Made, Place } from '../backend.ts';
import { watchCleaner } from './btrfs-cleaner.ts';
import { createBtrfsGuard } from './btrfs-guard.ts';
import { createInodeCounter, estimateInodes } from './btrfs-inodes.ts';

const MIB = 1n << 20n;
/** More than any file system has. */
const UNLIMITED = (1n << 63n) - 1n;
/** Numbers below are the file system's own trees. */
const FIRST_SUBVOLUME = 256n;

const openPlace = (place: Place): number =>
  openBeneath(place.dirFd, place.name, constants.O_RDONLY | constants.O_DIRECTORY);

function withPlace<T>(place: Place, use: (fd: number) => T): T {
  const fd = openPlace(place);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Volumes are subvolumes whose quota group limits what they reference. The kernel's subvolume UUID is the identity: no
 * tenant can change it. `rootFd` is the top of the file system, `mountDevice` its `major:minor` in mountinfo, and
 * `treePrefix` the path of the pool's directory inside the file system.
 */
export function createBtrfsBackend(rootFd: number, mountDevice: string, treePrefix: string): BackendDriver {
  const cleaner = watchCleaner(rootFd);
  const guard = createBtrfsGuard(rootFd);
  const inodes = createInodeCounter();

  // Simple quotas count data where it was first written, so of a copy they know nothing.
  const countsCopies = quotaStatus(rootFd)?.mode !== 'simple';
  const heldBytes = (number: bigint, sizeBytes: bigint): bigint =>
    countsCopies ? (qgroupUsage(rootFd, number)?.referencedBytes ?? 0n) : sizeBytes;

  const describe = (place: Place, sizeBytes: bigint): Made & { number: bigint } =>
    withPlace(place, (fd) => {
      const { uuid, id } = subvolumeInfo(fd);
      return { identity: uuid, number: id, heldBytes: heldBytes(id, sizeBytes) };
    });

  const numberAt = (place: Place): bigint | undefined => {
    try {
      return withPlace(place, (fd) => subvolumeInfo(fd).id);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  };

  return {
    kind: 'btrfs',
    granularityBytes: 4096n,
    filesystems: ['btrfs'],
    defaultFilesystem: 'btrfs',
    blockVolumes: false,
    limitsEnforced: true,
    snapshotKind: 'instant',
    suffix: '',
    freezesForCopy: false,
    growsFilesystem: false,
    minimumBytes: () => MIB,

    make(place, spec) {
      createSubvolume(place.dirFd, place.name, spec.sizeBytes);
      return withPlace(place, (fd) => {
        if (spec.parameters.nodatacow) setNoCow(fd);
        const info = subvolumeInfo(fd);
        return { identity: info.uuid, number: info.id, heldBytes: 0n };
      });
    },

    copy(source, place, spec) {
      withPlace(source.place, (fd) =>
        snapshotSubvolume(fd, place.dirFd, place.name, spec.readOnly ? undefined : spec.sizeBytes),
      );
      const made = describe(place, spec.sizeBytes);
      // With full quota groups the kernel gives a copy its source's limit, whatever was asked for.
      if (!spec.readOnly) limitQgroup(rootFd, made.number, spec.sizeBytes);
      return made;
    },

    setReadOnly: (place, readOnly) => withPlace(place, (fd) => setReadOnly(fd, readOnly)),
    identify(place) {
      try {
        return withPlace(place, (fd) => subvolumeInfo(fd).uuid);
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return undefined;
        throw error;
      }
    },

    heldBytes: (_place, row) => heldBytes(row.number!, row.sizeBytes),
    resize: (_place, row, sizeBytes) => limitQgroup(rootFd, row.number!, guard.limitOf(row, sizeBytes)),

    async free(place, row, progress) {
      const number = row.number ?? numberAt(place);
      if (number === undefined) return;
      const nested = nestedSubvolumes(rootFd, number);
      const numbers = [...nested, number];
      // Removing one takes a little room in the one around it, which may be full.
      if (nested.length > 0) for (const one of numbers) unlimit(rootFd, one);
      for (const inside of nested) destroySubvolumeById(rootFd, inside);
      try {
        destroySubvolume(place.dirFd, place.name);
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error;
      }
      progress(0n, row.chargedBytes);
      await cleaner.gone(numbers);
      for (const number of numbers) forgetQgroup(rootFd, number);
      inodes.forget(row.uuid);
    },

    usage(place, row) {
      const used = qgroupUsage(rootFd, row.number!)?.referencedBytes ?? 0n;
      const available = row.sizeBytes > used ? row.sizeBytes - used : 0n;
      const usedInodes = withPlace(place, (fd) => inodes.count(row.uuid, fd));
      return { bytes: { total: row.sizeBytes, used, available }, inodes: estimateInodes(usedInodes, available) };
    },

    guard,
    tidy() {
      const present = new Set(Array.from(subvolumesFrom(rootFd, FIRST_SUBVOLUME), ({ id }) => id));
      for (const number of listQgroups(rootFd)) {
        if (number < FIRST_SUBVOLUME || present.has(number) || subvolumeExists(rootFd, number)) continue;
        forgetQgroup(rootFd, number);
      }
    },

    mount(place, _row, target, options) {
      bindMount(`${place.dirPath}/${place.name}`, target, options.filter(isMountFlag));
    },

    mountsOf(place, _row, mounts) {
      const root = `${treePrefix}/${place.dirPath.split('/').at(-1)}/${place.name}`;
      return mounts.filter(
        (mount) => mount.device === mountDevice && (mount.root === root || mount.root.startsWith(`${root}/`)),
      );
    },
  };
}

/**
 * Removes the quota group of a subvolume that is gone, unless it still counts something: to remove it then would make
 * the kernel give up all its counts and with them every limit. Such a one is left to the kernel, or to `tidy`.
 */
function forgetQgroup(rootFd: number, number: bigint): void {
  const usage = qgroupUsage(rootFd, number);
  if (usage === undefined || usage.referencedBytes > 0n || usage.exclusiveBytes > 0n) return;
  try {
    destroyQgroup(rootFd, number);
  } catch (error) {
    if (errorCode(error) !== 'EBUSY') throw error;
  }
}

function unlimit(rootFd: number, number: bigint): void {
  try {
    limitQgroup(rootFd, number, UNLIMITED);
  } catch (error) {
    // Its group is gone, or quotas are off.
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTCONN') throw error;
  }
}

/** Subvolumes that a tenant made inside its volume, deepest first. */
function nestedSubvolumes(rootFd: number, number: bigint): bigint[] {
  return childSubvolumes(rootFd, number).flatMap((child) => [...nestedSubvolumes(rootFd, child), child]);
}
