export { formatBytes } from '../../config/quantity.ts';

const AGES = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** How long ago, in the largest unit that fits: `5d`, `3h`, `12m`, `0s`. */
export function formatAge(since: number, now: number): string {
  const ageMs = Math.max(0, now - since);
  const [unit, unitMs] = AGES.find(([, lengthMs]) => ageMs >= lengthMs) ?? AGES[3];
  return `${Math.floor(ageMs / unitMs)}${unit}`;
}

/** A share of a whole in percent, rounded down, so that 100% means all of it. */
export const formatPercent = (part: bigint, whole: bigint): string => (whole <= 0n ? '-' : `${(part * 100n) / whole}%`);

/** Text from disks and clusters may hold anything; control characters must not reach the terminal. */
export const printable = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u{202a}-\u{202e}\u{2066}-\u{2069}]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
