import { closeSync, constants, openSync, readSync } from 'node:fs';
import { BerthError } from '../../errors.ts';
import { blockSize } from '../../host/block.ts';
import { hasCapability } from '../../host/capability.ts';
import { nextData } from '../../host/files.ts';
import type { MakeSpec, Place } from '../backend.ts';
import type { ObjectRow } from '../ledger.ts';
import { withImage } from './image-file.ts';
import { runTool } from './tool.ts';

const MIB = 1n << 20n;
const FORMAT_TIMEOUT_MS = 300_000;

/** mkfs.xfs makes smaller ones, which nobody should want, only when told that they are unsupported. */
const USUAL_XFS_MINIMUM_BYTES = 300n * MIB;

/** The kernel grows a mounted ext4 only for those who have CAP_SYS_RESOURCE, which some sandboxes withhold from root. */
function ext4Grows(): boolean {
  return hasCapability('CAP_SYS_RESOURCE');
}

/** ext4, unless its volumes could not grow while they are mounted; then xfs of any size. */
export const usualFilesystem = (): ImageFilesystem => (ext4Grows() ? 'ext4' : 'xfs');

type ImageFilesystem = 'ext4' | 'xfs' | 'btrfs';

interface Format {
  /** What the tool takes at least, with its default layout, and the kernel where it is to grow. */
  minimumBytes: bigint;
  args(spec: MakeSpec): string[];
  /** Where its super block says what it is. */
  magic: { offset: number; bytes: Buffer };
}

/**
 * No option forces anything: the tools themselves refuse a file that holds something. Discarding is off, since it would
 * give back what a thick file has reserved. Blocks and sectors are 4 KiB, so that a volume also mounts on a loop device
 * over a disk with 4 KiB sectors.
 */
const formats: Record<ImageFilesystem, Format> = {
  ext4: {
    minimumBytes: 8n * MIB,
    args: ({ uuid }) => [
      '-q',
      '-b',
      '4096',
      '-m',
      '0',
      '-U',
      uuid,
      '-E',
      'lazy_itable_init=1,lazy_journal_init=1,nodiscard',
    ],
    magic: { offset: 1080, bytes: Buffer.from([0x53, 0xef]) },
  },
  xfs: {
    minimumBytes: ext4Grows() ? USUAL_XFS_MINIMUM_BYTES : 16n * MIB,
    args: ({ uuid, sizeBytes }) => [
      ...(sizeBytes < USUAL_XFS_MINIMUM_BYTES ? ['--unsupported'] : []),
      '-q',
      '-K',
      '-s',
      'size=4096',
      '-m',
      `uuid=${uuid}`,
    ],
    magic: { offset: 0, bytes: Buffer.from('XFSB') },
  },
  btrfs: {
    minimumBytes: 256n * MIB, // fs/btrfs/ioctl.c: a mounted one is not resized to less
    // Given a UUID, the tool would look at every disk of the machine for another one with it, and wait for one that hangs.
    args: () => ['-q', '-K', '-m', 'single', '-d', 'single'],
    magic: { offset: 65_600, bytes: Buffer.from('_BHRfS_M') },
  },
};

export const imageFilesystems: readonly ImageFilesystem[] = ['ext4', 'xfs', 'btrfs'];

function formatOf(content: ObjectRow['content']): Format {
  if (content === 'block' || content === 'directory') throw new TypeError(`image volumes do not hold ${content}`);
  return formats[content];
}

export const minimumImageBytes = (content: ObjectRow['content']): bigint =>
  content === 'block' ? MIB : formatOf(content).minimumBytes;

/** Makes the file system, on a file in which nobody has ever written a byte and on no other (design §2.6). */
export async function formatImage(place: Place, spec: MakeSpec): Promise<void> {
  if (withImage(place, constants.O_RDONLY, (fd) => nextData(fd, 0n)) !== undefined) {
    throw new BerthError('VOLUME_DAMAGED', {
      id: spec.uuid,
      problem: 'its file holds data already, it was not formatted',
    });
  }
  await runTool({
    file: `mkfs.${spec.content}`,
    args: [...formatOf(spec.content).args(spec), `${place.dirPath}/${place.name}`],
    purpose: `formatting a volume as ${spec.content}`,
    timeoutMs: FORMAT_TIMEOUT_MS,
  });
}

/** Throws VOLUME_DAMAGED unless the device has the size and the file system that the ledger says. */
export async function verifyImage(device: string, row: ObjectRow): Promise<void> {
  const problem = problemOf(device, row);
  if (problem !== undefined) throw new BerthError('VOLUME_DAMAGED', { id: row.uuid, problem });
}

function problemOf(device: string, row: ObjectRow): string | undefined {
  const fd = openSync(device, constants.O_RDONLY);
  try {
    const sizeBytes = blockSize(fd);
    if (sizeBytes < row.sizeBytes) return `its file has ${sizeBytes} bytes instead of ${row.sizeBytes}`;
    if (row.content === 'block') return undefined;
    const { offset, bytes } = formatOf(row.content).magic;
    const found = Buffer.alloc(bytes.length);
    readSync(fd, found, 0, found.length, offset);
    return found.equals(bytes) ? undefined : `there is no ${row.content} file system in it`;
  } catch (error) {
    return `it cannot be read: ${(error as Error).message}`;
  } finally {
    closeSync(fd);
  }
}
