import { BerthError } from '../errors.ts';
import type { Capability, FilesystemType, SizeRange, Volume } from './model.ts';

/** What a volume gets when nobody says how large it should be. */
const DEFAULT_SIZE_BYTES = 1n << 30n;
/** The largest size that a qgroup limit, a loop device and a ledger integer all can hold. */
const MAXIMUM_SIZE_BYTES = (1n << 63n) - (1n << 20n);

/** Chooses the size of a volume: what is required, rounded up, and no more than the limit. */
export function chooseSize(size: SizeRange, bounds: { granularityBytes: bigint; minimumBytes: bigint }): bigint {
  const { requiredBytes, limitBytes } = size;
  const wanted =
    requiredBytes > 0n
      ? requiredBytes
      : limitBytes > 0n && limitBytes < DEFAULT_SIZE_BYTES
        ? limitBytes
        : DEFAULT_SIZE_BYTES;
  const roundUp = (bytes: bigint): bigint =>
    ((bytes + bounds.granularityBytes - 1n) / bounds.granularityBytes) * bounds.granularityBytes;
  const least = roundUp(wanted > bounds.minimumBytes ? wanted : bounds.minimumBytes);
  const possible =
    requiredBytes === 0n && limitBytes > 0n && least > limitBytes
      ? (limitBytes / bounds.granularityBytes) * bounds.granularityBytes
      : least;
  if (possible < bounds.minimumBytes || (limitBytes > 0n && possible > limitBytes)) {
    throw new BerthError('SIZE_RANGE_EMPTY', {
      required: requiredBytes,
      limit: limitBytes,
      problem: `the smallest size is ${bounds.minimumBytes}`,
      granularity: bounds.granularityBytes,
    });
  }
  if (possible > MAXIMUM_SIZE_BYTES) {
    throw new BerthError('SIZE_RANGE_EMPTY', {
      required: requiredBytes,
      limit: limitBytes,
      problem: `the largest size is ${MAXIMUM_SIZE_BYTES}`,
      granularity: bounds.granularityBytes,
    });
  }
  return possible;
}

interface Offers {
  filesystems: readonly FilesystemType[];
  defaultFilesystem: FilesystemType;
  blockVolumes: boolean;
  /** Whether its volumes may be used from several nodes. */
  shared: boolean;
}

/** What a volume must hold to serve all these capabilities. Throws CAPABILITY_UNSUPPORTED when nothing can. */
export function chooseContent(capabilities: readonly Capability[], offers: Offers): Volume['content'] {
  const refuse = (problem: string): BerthError => new BerthError('CAPABILITY_UNSUPPORTED', { problem });
  const shared = capabilities.find(({ mode }) => mode.startsWith('MULTI_NODE'));
  if (shared !== undefined && !offers.shared)
    throw refuse(`${shared.mode} cannot be had of a volume that lives on one node`);

  const accesses = capabilities.map(({ access }) => access);
  const fsTypes = accesses.flatMap((access) => (access.kind === 'mount' ? [access.fsType] : []));
  const wanted = [...new Set(fsTypes.filter((type) => type !== ''))];
  if (accesses.some(({ kind }) => kind === 'block')) {
    if (fsTypes.length > 0) throw refuse('a raw block device and a file system at once');
    if (!offers.blockVolumes) throw refuse('raw block devices are not offered by this pool');
    return 'block';
  }
  if (wanted.length > 1) throw refuse(`${wanted.join(' and ')} at once`);
  const content =
    wanted.length === 0 ? offers.defaultFilesystem : offers.filesystems.find((type) => type === wanted[0]);
  if (content === undefined)
    throw refuse(`${wanted[0]} is not offered by this pool, ${offers.filesystems.join(', ')} is`);
  return content;
}

/** Why these capabilities cannot be had of what exists, or undefined when all can. */
export function explainMismatch(volume: Volume, capabilities: readonly Capability[]): string | undefined {
  for (const { access, mode } of capabilities) {
    if (mode.startsWith('MULTI_NODE') && !volume.shared)
      return `${mode} cannot be had of a volume that lives on one node`;
    if (access.kind === 'block' && volume.content !== 'block') return 'the volume has a file system';
    if (access.kind === 'mount' && volume.content === 'block') return 'the volume is a raw block device';
    if (access.kind === 'mount' && access.fsType !== '' && access.fsType !== volume.content) {
      return `the volume has ${volume.content}, not ${access.fsType}`;
    }
  }
  return undefined;
}
