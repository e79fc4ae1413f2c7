const UNITS: Record<string, bigint> = {
  '': 1n,
  k: 10n ** 3n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  T: 10n ** 12n,
  P: 10n ** 15n,
  E: 10n ** 18n,
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
  Pi: 1n << 50n,
  Ei: 1n << 60n,
};
const MAX_BYTES = (1n << 63n) - 1n;

/** What `parseQuantity` takes, in words, for error messages. */
export const QUANTITY_EXPECTED = 'a size such as 10Gi, 1.5Ti, 500M or 1073741824';

/**
 * Reads bytes in the way of a Kubernetes quantity: digits with an optional fraction, and one of k M G T P E or Ki Mi Gi
 * Ti Pi Ei. A fraction of a byte is rounded up. Undefined when it is no quantity, or beyond 2^63 - 1.
 */
export function parseQuantity(text: string): bigint | undefined {
  const match = /^(\d{1,20})(?:\.(\d{1,9}))?([kMGTPE]|[KMGTPE]i)?$/.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = '', unit = ''] = match;
  const scale = 10n ** BigInt(fraction.length);
  const bytes = (BigInt(whole + fraction) * UNITS[unit]! + scale - 1n) / scale;
  return bytes <= MAX_BYTES ? bytes : undefined;
}

const SHOWN_UNITS = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** Bytes in the largest unit that they fill, with one decimal when there is a rest, rounded down: `10Gi`, `1.7Ti`. */
export function formatBytes(bytes: bigint): string {
  if (bytes < 0n) return `-${formatBytes(-bytes)}`;
  let power = 0n;
  while (power < 6n && bytes >> (10n * (power + 1n)) > 0n) power++;
  const tenths = (bytes * 10n) >> (10n * power);
  const rest = tenths % 10n;
  return `${tenths / 10n}${rest > 0n ? `.${rest}` : ''}${SHOWN_UNITS[Number(power)]}`;
}

const DURATION_UNITS_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** What `parseDuration` takes, in words, for error messages. */
export const DURATION_EXPECTED = 'a duration such as 500ms, 30s, 2m or 1h';

/** Reads a whole number of ms, s, m or h; the result is in milliseconds. Undefined when it is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  return match === null ? undefined : Number(match[1]) * DURATION_UNITS_MS[match[2]!]!;
}
