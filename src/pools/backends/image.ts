import { constants } from 'node:fs';
import { resizeFilesystem } from '../../host/btrfs.ts';
import { removeFile } from '../../host/files.ts';
import { refreshLoopSize } from '../../host/loop.ts';
import { mountFilesystem } from '../../host/mount.ts';
import type { FilesystemType } from '../../volumes/model.ts';
import type { BackendDriver, Place } from '../backend.ts';
import type { ObjectRow } from '../ledger.ts';
import { createInodeCounter } from './btrfs-inodes.ts';
import { changedBlocks, writtenBlocks } from './image-blocks.ts';
import { copyImage } from './image-copy.ts';
import {
  allocatedBytes,
  emptyInSteps,
  growImage,
  probeImageSupport,
  readToken,
  setImageSize,
  stampImage,
  withImage,
} from './image-file.ts';
import { formatImage, imageFilesystems, minimumImageBytes, usualFilesystem, verifyImage } from './image-format.ts';
import { attachImage, detachImage, deviceInUse, imageLoops, mountsOfDevice } from './image-loop.ts';
import { imageUsage, withDirectory } from './image-usage.ts';
import { runTool } from './tool.ts';

const GROW_TIMEOUT_MS = 300_000;

/**
 * Options that a mount gets unasked: copies of an xfs share its UUID, the inode tables of a fresh ext4 are zeros already,
 * and btrfs would by itself give back what a thick file has reserved.
 */
function ownOptions({ content, parameters }: ObjectRow, asked: readonly string[]): string[] {
  if (content === 'xfs') return ['nouuid'];
  if (content === 'ext4') return ['noinit_itable'];
  const decided = parameters.thin || asked.some((option) => option.startsWith('discard'));
  return content === 'btrfs' && !decided ? ['nodiscard'] : [];
}

export interface ImageBackendOptions {
  poolDirPath: string;
  poolDirFd: number;
  defaultFilesystem?: FilesystemType | undefined;
}

/**
 * Volumes are files, attached to loop devices while they are used. A random token in an extended attribute of the file
 * is the identity: inside the volume there is no way to it. Throws POOL_UNSUITABLE when the directory cannot hold images.
 */
export function createImageBackend(options: ImageBackendOptions): BackendDriver {
  const support = probeImageSupport(options.poolDirFd, options.poolDirPath);
  const inodes = createInodeCounter();

  return {
    kind: 'image',
    granularityBytes: 4096n,
    filesystems: imageFilesystems,
    defaultFilesystem: options.defaultFilesystem ?? usualFilesystem(),
    blockVolumes: true,
    limitsEnforced: true,
    snapshotKind: support.reflink ? 'instant' : 'copy',
    suffix: '.img',
    freezesForCopy: true,
    growsFilesystem: true,
    minimumBytes: minimumImageBytes,

    make: (place, spec) =>
      withImage(place, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, (fd) => {
        const identity = stampImage(fd, support);
        setImageSize(fd, spec.sizeBytes, spec.parameters.thin);
        return { identity, heldBytes: allocatedBytes(fd) };
      }),
    format: formatImage,
    copy: (source, place, spec, progress) => copyImage(support, source, place, spec, progress),

    writtenBlocks,
    changedBlocks: support.reflink ? changedBlocks : undefined,
    heldBytes: (place) => withImage(place, constants.O_RDONLY, allocatedBytes),
    identify: (place) => readToken(place, support),

    resize(place, row, sizeBytes) {
      withImage(place, constants.O_RDWR, (fd) => growImage(fd, sizeBytes, row.parameters.thin));
      for (const { path } of imageLoops(place)) refreshLoopSize(path);
    },
    growFilesystem,

    async free(place, row, progress) {
      detachImage(place);
      await emptyInSteps(place, (leftBytes) => progress(row.sizeBytes - leftBytes, row.sizeBytes));
      removeFile(place.dirFd, place.name);
      inodes.forget(row.uuid);
    },
    usage: (_place, row, mountedAt) => imageUsage(row, mountedAt, inodes),

    attach: attachImage,
    detach: detachImage,
    attachedDevice: deviceInUse,
    verifyContent: (device, row) => verifyImage(device!, row),

    mount(_place, row, target, asked, device) {
      mountFilesystem(device!, target, row.content, [...asked, ...ownOptions(row, asked)]);
    },
    mountsOf: (_place, _row, mounts, device) => (device === undefined ? [] : mountsOfDevice(device, mounts)),
  };
}

async function growFilesystem(place: Place, row: ObjectRow, mountedAt: string): Promise<void> {
  const grow = (file: string, target: string): Promise<void> =>
    runTool({ file, args: [target], purpose: `growing a mounted ${row.content}`, timeoutMs: GROW_TIMEOUT_MS });
  if (row.content === 'btrfs') return withDirectory(mountedAt, (fd) => resizeFilesystem(fd, 'max'));
  if (row.content === 'xfs') return grow('xfs_growfs', mountedAt);
  return grow('resize2fs', deviceInUse(place)!);
}
