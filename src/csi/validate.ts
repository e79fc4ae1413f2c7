import { posix } from 'node:path';
import { parseQuantity, QUANTITY_EXPECTED } from '../config/quantity.ts';
import { BerthError } from '../errors.ts';
import type { SizeRange } from '../volumes/model.ts';
import type { CapacityRange, PageRequest } from './types.ts';

// CSI 1.13 CreateVolumeRequest.name: control characters other than tab, newline and carriage return.
const BANNED_IN_NAMES = /[\0-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]/;

export function requireField<T>(value: T | null | undefined, field: string): T {
  if (value === null || value === undefined || value === '') throw new BerthError('FIELD_MISSING', { field });
  return value;
}

export function requireSome<T>(values: readonly T[], field: string): readonly T[] {
  if (values.length === 0) throw new BerthError('FIELD_MISSING', { field });
  return values;
}

/** A name for something new: any Unicode but control characters. It is never used in a path. */
export function requireName(value: string): string {
  const name = requireField(value, 'name');
  if (BANNED_IN_NAMES.test(name)) {
    throw new BerthError('FIELD_INVALID', { field: 'name', problem: 'has control characters' });
  }
  return name;
}

/** An absolute path without `..`, in its plain form: no doubled, trailing or `.` parts. */
export function requirePath(value: string, field: string): string {
  const path = requireField(value, field);
  const problem = pathProblem(path);
  if (problem !== undefined) throw new BerthError('FIELD_INVALID', { field, problem });
  return plainPath(path);
}

/** For looking up where a volume is: a path that cannot be one is simply not found. */
export function requireLookupPath(value: string, field: string): string {
  const path = requireField(value, field);
  return pathProblem(path) === undefined ? plainPath(path) : path;
}

function pathProblem(path: string): string | undefined {
  if (path.includes('\0')) return 'has a NUL character';
  if (!path.startsWith('/')) return 'is not absolute';
  if (path.split('/').includes('..')) return 'has a .. in it';
  if (plainPath(path) === '') return 'is the root directory';
  return undefined;
}

/** '' for the root directory. */
const plainPath = (path: string): string => posix.normalize(path).replace(/\/$/, '');

/** A range that is absent leaves both ends unset. */
export function parseSizeRange(range: CapacityRange | null): SizeRange {
  const requiredBytes = parseBytes(range?.required_bytes ?? '0', 'capacity_range.required_bytes');
  const limitBytes = parseBytes(range?.limit_bytes ?? '0', 'capacity_range.limit_bytes');
  if (limitBytes !== 0n && limitBytes < requiredBytes) {
    throw new BerthError('FIELD_INVALID', {
      field: 'capacity_range',
      problem: `the limit of ${limitBytes} bytes is below the ${requiredBytes} that are required`,
    });
  }
  return { requiredBytes, limitBytes };
}

/** CSI 1.13 ControllerExpandVolume: the range is required, and so is one of its ends. */
export function requireSizeRange(range: CapacityRange | null): SizeRange {
  const size = parseSizeRange(requireField(range, 'capacity_range'));
  if (size.requiredBytes === 0n && size.limitBytes === 0n) {
    throw new BerthError('FIELD_MISSING', { field: 'capacity_range.required_bytes' });
  }
  return size;
}

function parseBytes(value: string, field: string): bigint {
  const bytes = BigInt(value);
  if (bytes < 0n) throw new BerthError('FIELD_INVALID', { field, problem: `${bytes} is negative` });
  return bytes;
}

/** Bytes as Kubernetes writes them, such as `10Gi`. */
export function parseBytesText(text: string, field: string): bigint {
  const bytes = parseQuantity(text);
  if (bytes === undefined || bytes === 0n) {
    throw new BerthError('FIELD_INVALID', { field, problem: `expected ${QUANTITY_EXPECTED}` });
  }
  return bytes;
}

export function parsePage(request: PageRequest): { token: string; max: number } {
  if (request.max_entries < 0) {
    throw new BerthError('FIELD_INVALID', { field: 'max_entries', problem: `${request.max_entries} is negative` });
  }
  return { token: request.starting_token, max: request.max_entries };
}
