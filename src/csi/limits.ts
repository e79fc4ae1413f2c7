import { BerthError } from '../errors.ts';

// CSI 1.13 "Size Limits"; a path is limited by the system instead (PATH_MAX with its NUL).
const MAX_STRING_BYTES = 128;
const MAX_MAP_BYTES = 4096;
const MAX_MOUNT_FLAGS_BYTES = 4096;
const MAX_PATH_BYTES = 4095;

const PATHS = new Set(['staging_target_path', 'target_path', 'volume_path', 'volume_publish_path']);
const MAPS = new Set(['parameters', 'mutable_parameters', 'secrets', 'volume_context', 'publish_context', 'segments']);

/** Refuses a request that has a string, map or mount_flags beyond the size that CSI allows. */
export function checkLimits(request: object): void {
  for (const [name, value] of Object.entries(request)) checkField(name, name, value);
}

function checkField(path: string, name: string, value: unknown): void {
  if (typeof value === 'string') {
    check(path, Buffer.byteLength(value), PATHS.has(name) ? MAX_PATH_BYTES : MAX_STRING_BYTES);
  } else if (name === 'mount_flags') {
    check(path, bytesOf(value as string[]), MAX_MOUNT_FLAGS_BYTES);
  } else if (MAPS.has(name)) {
    check(path, bytesOf(Object.entries(value as Record<string, string>).flat()), MAX_MAP_BYTES);
  } else if (Array.isArray(value)) {
    value.forEach((item, index) => {
      checkField(`${path}[${index}]`, name, item);
    });
  } else if (typeof value === 'object' && value !== null) {
    for (const [inner, item] of Object.entries(value)) checkField(`${path}.${inner}`, inner, item);
  }
}

const bytesOf = (strings: readonly string[]): number =>
  strings.reduce((sum, string) => sum + Buffer.byteLength(string), 0);

function check(field: string, bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw new BerthError('FIELD_INVALID', { field, problem: `${bytes} bytes long, CSI allows ${maxBytes}` });
}

/** Cuts a text for an answer to the size that CSI allows, between characters. */
export function clip(text: string): string {
  if (Buffer.byteLength(text) <= MAX_STRING_BYTES) return text;
  const ellipsis = '…';
  const room = MAX_STRING_BYTES - Buffer.byteLength(ellipsis);
  let bytes = 0;
  let kept = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > room) break;
    kept += character;
  }
  return kept + ellipsis;
}
