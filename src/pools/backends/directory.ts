import { chmodSync, lstatSync, mkdirSync, realpathSync, statfsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BerthError } from '../../errors.ts';
import { errorCode } from '../../host/libc.ts';
import { bindMount, isMountFlag } from '../../host/mount.ts';
import { mountHolding, readMounts } from '../../host/mountinfo.ts';
import type { BackendDriver, Place } from '../backend.ts';
import { runTool } from './tool.ts';
import { createTreeMeter } from './tree-meter.ts';

const MIB = 1n << 20n;
const TREE_TIMEOUT_MS = 3_600_000;

const pathOf = (place: Place): string => `${place.dirPath}/${place.name}`;

/**
 * Volumes are plain directories, for dev mode only: nothing limits what is written to them. Inode number and time of
 * birth are the identity, which the kernel alone gives. All but mounting works without root.
 */
export function createDirectoryBackend({ poolDirPath }: { poolDirPath: string }): BackendDriver {
  const realPoolPath = realpathSync(poolDirPath);
  const home = mountHolding(realPoolPath, readMounts());
  const meter = createTreeMeter();

  return {
    kind: 'directory',
    granularityBytes: 4096n,
    filesystems: ['directory'],
    defaultFilesystem: 'directory',
    blockVolumes: false,
    limitsEnforced: false,
    snapshotKind: 'copy',
    suffix: '',
    freezesForCopy: false,
    growsFilesystem: false,
    minimumBytes: () => MIB,

    make(place) {
      mkdirSync(pathOf(place));
      chmodSync(pathOf(place), 0o777); // pods of any user may write
      return { identity: identityOf(pathOf(place)), heldBytes: 0n };
    },

    async copy(source, place, spec) {
      await removeTree(place); // what an earlier try left
      mkdirSync(pathOf(place));
      await runTool({
        file: 'cp',
        args: ['-a', '--reflink=auto', '--', `${pathOf(source.place)}/.`, pathOf(place)],
        purpose: 'copying a directory volume',
        timeoutMs: TREE_TIMEOUT_MS,
        signal: spec.signal,
      });
      return { identity: identityOf(pathOf(place)), heldBytes: meter.measure(spec.uuid, pathOf(place)).bytes };
    },

    heldBytes: (place, row) => meter.measure(row.uuid, pathOf(place)).bytes,

    identify(place) {
      try {
        return identityOf(pathOf(place));
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return undefined;
        throw error;
      }
    },

    resize() {
      // There is no limit to set.
    },

    async free(place, row) {
      await removeTree(place);
      meter.forget(row.uuid);
    },

    /** Total and available are those of the file system beneath, since nothing else bounds the volume. */
    usage(place, row) {
      const { bsize, blocks, bavail, files, ffree } = statfsSync(poolDirPath, { bigint: true });
      const used = meter.measure(row.uuid, pathOf(place));
      return {
        bytes: { total: blocks * bsize, used: used.bytes, available: bavail * bsize },
        inodes: { total: files, used: used.inodes, available: ffree },
      };
    },

    mount(place, _row, target, options) {
      try {
        bindMount(pathOf(place), target, options.filter(isMountFlag));
      } catch (error) {
        if (errorCode(error) !== 'EPERM') throw error;
        throw new BerthError('ROOT_REQUIRED', { operation: 'mounting a volume' }, { cause: error });
      }
    },

    mountsOf(place, _row, mounts) {
      const inPool = relative(poolDirPath, pathOf(place));
      const root = join(home.root, relative(home.mountPoint, realPoolPath), inPool);
      return mounts.filter(
        (mount) => mount.device === home.device && (mount.root === root || mount.root.startsWith(`${root}/`)),
      );
    },
  };
}

function identityOf(path: string): string {
  const { ino, birthtimeNs } = lstatSync(path, { bigint: true });
  return `${ino}.${birthtimeNs}`;
}

/** Removes the tree unless something else is mounted in it; one that is gone is fine. */
const removeTree = (place: Place): Promise<void> =>
  runTool({
    file: 'rm',
    args: ['-rf', '--one-file-system', '--', pathOf(place)],
    purpose: 'removing a directory volume',
    timeoutMs: TREE_TIMEOUT_MS,
  });
