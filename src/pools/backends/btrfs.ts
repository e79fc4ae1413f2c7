import { closeSync, constants } from 'node:fs';
import {
  childSubvolumes,
  countInodes,
  createSubvolume,
  destroyQgroup,
  destroySubvolume,
  destroySubvolumeById,
  limitQgroup,
  listQgroups,
  qgroupUsage,
  setNoCow,
  setReadOnly,
  snapshotSubvolume,
  subvolumeExists,
  subvolumeInfo,
  sync,
} from '../../host/btrfs.ts';
import { openBeneath } from '../../host/files.ts';
import { errorCode } from '../../host/libc.ts';
import { bindMount, isMountFlag } from '../../host/mount.ts';
import type { BackendDriver, Made, Place } from '../backend.ts';

const MIB = 1n << 20n;
/** A bit more than the metadata of an empty file; only a rough idea of how many more files fit. */
const BYTES_PER_INODE = 512n;
const INODES_COUNTED_AT_ONCE = 20_000;
/** Numbers below are the file system's own trees. */
const FIRST_SUBVOLUME = 256n;
const CLEANER_POLL_MS = 100;

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
  const cleaner = createCleanerWatch(rootFd);
  const inodeCounts = new Map<string, { generation: bigint; count: number }>();

  const describe = (place: Place): Made => withPlace(place, (fd) => {
    const info = subvolumeInfo(fd);
    return {
      identity: info.uuid,
      number: info.id,
      heldBytes: qgroupUsage(rootFd, info.id)?.referencedBytes ?? 0n,
    };
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
      return describe(place);
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

    heldBytes: (_place, row) => qgroupUsage(rootFd, row.number!)?.referencedBytes ?? 0n,
    resize: (_place, row, sizeBytes) => limitQgroup(rootFd, row.number!, sizeBytes),

    async free(place, row, progress) {
      const number = row.number ?? numberAt(place);
      if (number === undefined) return;
      const nested = nestedSubvolumes(rootFd, number);
      const numbers = [...nested, number];
      for (const inside of nested) destroySubvolumeById(rootFd, inside);
      try {
        destroySubvolume(place.dirFd, place.name);
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error;
      }
      progress(0n, row.chargedBytes);
      await cleaner.gone(numbers);
      for (const number of numbers) destroyQgroup(rootFd, number);
      inodeCounts.delete(row.uuid);
    },

    usage(place, row) {
      const used = qgroupUsage(rootFd, row.number!)?.referencedBytes ?? 0n;
      const available = row.sizeBytes > used ? row.sizeBytes - used : 0n;
      const usedInodes = BigInt(countUsedInodes(place, row.uuid));
      const freeInodes = available / BYTES_PER_INODE;
      return {
        bytes: { total: row.sizeBytes, used, available },
        inodes: { total: usedInodes + freeInodes, used: usedInodes, available: freeInodes },
      };
    },

    tidy() {
      for (const number of listQgroups(rootFd)) {
        if (number >= FIRST_SUBVOLUME && !subvolumeExists(rootFd, number)) destroyQgroup(rootFd, number);
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

  /** btrfs keeps no count of inodes: it is counted anew only when the subvolume has changed. */
  function countUsedInodes(place: Place, uuid: string): number {
    return withPlace(place, (fd) => {
      const { generation } = subvolumeInfo(fd);
      const known = inodeCounts.get(uuid);
      if (known?.generation === generation) return known.count;
      let count = 0;
      let from: bigint | undefined = 0n;
      while (from !== undefined) {
        const part: { count: number; next: bigint | undefined } = countInodes(fd, from, INODES_COUNTED_AT_ONCE);
        count += part.count;
        from = part.next;
      }
      inodeCounts.set(uuid, { generation, count });
      return count;
    });
  }
}

/**
 * Tells when destroyed subvolumes have really given their space back: the kernel's cleaner does that in its own time.
 * One timer serves all who wait, and each turn pokes the cleaner once.
 */
function createCleanerWatch(rootFd: number): { gone(numbers: bigint[]): Promise<void> } {
  let waiting: { numbers: bigint[]; settle: PromiseWithResolvers<void> }[] = [];
  let timer: NodeJS.Timeout | undefined;

  const look = (): void => {
    timer = undefined;
    try {
      sync(rootFd);
      waiting = waiting.filter(({ numbers, settle }) => {
        if (numbers.some((number) => subvolumeExists(rootFd, number))) return true;
        settle.resolve();
        return false;
      });
    } catch (error) {
      for (const { settle } of waiting) settle.reject(error);
      waiting = [];
    }
    if (waiting.length > 0) timer ??= setTimeout(look, CLEANER_POLL_MS);
  };

  return {
    gone(numbers) {
      const settle = Promise.withResolvers<void>();
      waiting.push({ numbers, settle });
      timer ??= setTimeout(look, CLEANER_POLL_MS);
      return settle.promise;
    },
  };
}

/** Subvolumes that a tenant made inside its volume, deepest first. */
function nestedSubvolumes(rootFd: number, number: bigint): bigint[] {
  return childSubvolumes(rootFd, number).flatMap((child) => [...nestedSubvolumes(rootFd, child), child]);
}
