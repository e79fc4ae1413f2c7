/** The middle of the values; of none, NaN. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!;
}

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/**
 * Runs the contenders one after the other, `rounds` times, every other time backwards, so that what else happens on
 * the machine hits all of them alike. The median of what each gave.
 */
export async function inTurn<Name extends string>(
  rounds: number,
  contenders: Record<Name, () => Promise<number> | number>,
): Promise<Record<Name, number>> {
  const entries = Object.entries(contenders) as [Name, () => Promise<number> | number][];
  const results = new Map(entries.map(([name]) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of round % 2 === 0 ? entries : entries.toReversed()) results.get(name)!.push(await run());
  }
  return Object.fromEntries(entries.map(([name]) => [name, median(results.get(name)!)])) as Record<Name, number>;
}

/** A value with its text. */
export interface Quantity {
  value: number;
  text: string;
}

const named = (of: string, text: string): string => (of === '' ? text : `${of} ${text}`);

export const perSecond = (value: number, of = ''): Quantity => ({ value, text: named(of, `${value.toFixed(0)}/s`) });
export const milliseconds = (value: number, of = ''): Quantity => ({
  value,
  text: named(of, `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`),
});
export const mebibytes = (value: number): Quantity => ({ value, text: `${value.toFixed(0)} MiB` });
