import { BerthError } from '../errors.ts';
import type { VolumeParameters } from '../volumes/model.ts';
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

/** VolumeAttributesClass parameters: MODIFY_VOLUME is not offered. */
export function refuseMutableParameters(given: StringMap): void {
  const [key] = Object.keys(given);
  if (key !== undefined) throw new BerthError('MUTABLE_PARAMETERS_UNSUPPORTED', { key });
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
