import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { reasonCatalogue } from '../../src/disks/reasons.ts';

it('docs/disks.md has every reason as the catalogue has it', () => {
  const page = readFileSync(new URL('../../docs/disks.md', import.meta.url), 'utf8');
  const table = page.split('<!-- reasons -->')[1]!.split('<!-- /reasons -->')[0]!;
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  expect(rows).toEqual(
    Object.entries(reasonCatalogue).map(([code, { effect, advice }]) => `| \`${code}\` | ${effect} | ${advice} |`),
  );
});
