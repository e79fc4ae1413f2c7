import type { Sight } from './watch.ts';

/** Of one claim: from when the cluster has it until it is bound, in ms. */
export function bindTimes(sights: readonly Sight[]): number[] {
  const created = new Map<string, number>();
  const bound = new Map<string, number>();
  for (const { name, value, deleted, atMs } of sights) {
    if (deleted) continue;
    if (!created.has(name)) created.set(name, atMs);
    if (value === 'Bound' && !bound.has(name)) bound.set(name, atMs);
  }
  return [...bound].map(([name, atMs]) => atMs - created.get(name)!);
}

/** When the last of `count` objects had `value` for the first time; undefined as long as they do not all. */
export function allHad(sights: readonly Sight[], value: string, count: number): number | undefined {
  const first = new Map<string, number>();
  for (const sight of sights) {
    if (sight.value === value && !first.has(sight.name)) first.set(sight.name, sight.atMs);
  }
  return first.size < count ? undefined : Math.max(...first.values());
}
