import { parseQuantity, QUANTITY_EXPECTED } from '../config/quantity.ts';
import { BerthError } from '../errors.ts';
import type { IoLimits, VolumeParameters } from '../volumes/model.ts';
import type { StringMap } from './types.ts';

/** Kubernetes' own keys: sidecars strip them or add them, so they say nothing to a driver. */
const KUBERNETES_PREFIX = 'csi.storage.k8s.io/';
/** GetCapacity alone gets a StorageClass with these keys still in it. */
const FS_TYPE_KEY = `${KUBERNETES_PREFIX}fstype`;

type Setter = (parameters: VolumeParameters, key: string, value: string) => void;

const KNOWN: Record<string, Setter> = {
  poolClass: (parameters, key, value) => {
    if (value === '') throw new BerthError('PARAMETER_INVALID', { key, problem: 'must not be empty' });
    parameters.poolClass = value;
  },
  thin: (parameters, key, value) => {
    parameters.thin = parseBoolean(key, value);
  },
  nodatacow: (parameters, key, value) => {
    parameters.nodatacow = parseBoolean(key, value);
  },
};

/** StorageClass parameters. A key that is not known is refused by name, whatever its prefix. */
export function parseParameters(given: StringMap): VolumeParameters {
  const parameters: VolumeParameters = { thin: false, nodatacow: false };
  for (const [key, value] of Object.entries(given)) {
    if (key.startsWith(KUBERNETES_PREFIX)) continue;
    if (!Object.hasOwn(KNOWN, key)) throw unknownKey(key, Object.keys(KNOWN).join(', '));
    KNOWN[key]!(parameters, key, value);
  }
  return parameters;
}

/** VolumeSnapshotClass parameters: there are none yet. */
export function refuseParameters(given: StringMap): void {
  const key = Object.keys(given).find((name) => !name.startsWith(KUBERNETES_PREFIX));
  if (key !== undefined) throw unknownKey(key, 'none here');
}

const parseBytesPerSecond = (value: string): number | undefined => {
  const bytes = parseQuantity(value);
  return bytes === undefined ? undefined : Number(bytes);
};
const parseCount = (value: string): number | undefined => (/^\d{1,15}$/.test(value) ? Number(value) : undefined);

const MUTABLE: Record<keyof IoLimits, { parse: (value: string) => number | undefined; expected: string }> = {
  readBytesPerSecond: { parse: parseBytesPerSecond, expected: QUANTITY_EXPECTED },
  writeBytesPerSecond: { parse: parseBytesPerSecond, expected: QUANTITY_EXPECTED },
  readOperationsPerSecond: { parse: parseCount, expected: 'a whole number' },
  writeOperationsPerSecond: { parse: parseCount, expected: 'a whole number' },
};

/**
 * VolumeAttributesClass parameters. They name all limits that a volume has: one that is not named, or is `max`, is no
 * limit, so that a volume's limits depend on its class alone and not on the classes that it had before.
 */
export function parseMutableParameters(given: StringMap): IoLimits {
  const limits: IoLimits = {};
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(MUTABLE, key)) throw unknownKey(key, Object.keys(MUTABLE).join(', '));
    if (value === 'max') continue;
    const { parse, expected } = MUTABLE[key as keyof IoLimits];
    const limit = parse(value);
    if (limit === undefined || limit === 0) {
      throw new BerthError('PARAMETER_INVALID', { key, problem: `must be ${expected}, above 0, or max` });
    }
    limits[key as keyof IoLimits] = limit;
  }
  return limits;
}

/** The file system type that the StorageClass itself names, or ''. */
export const fsTypeOf = (given: StringMap): string => given[FS_TYPE_KEY] ?? '';

function parseBoolean(key: string, value: string): boolean {
  if (value !== 'true' && value !== 'false') {
    throw new BerthError('PARAMETER_INVALID', { key, problem: 'must be "true" or "false"' });
  }
  return value === 'true';
}

const unknownKey = (key: string, known: string): BerthError => new BerthError('PARAMETER_UNKNOWN', { key, known });
