import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { entryName, foreignEntries, isPoolDirectory, openLayout, parseEntryName } from '../../src/pools/layout.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-layout-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a directory for a pool', () => {
  it('whose first start was cut short holds nothing of anybody else’s, and no pool yet', () => {
    openLayout(folder).close();
    expect(foreignEntries(folder)).toEqual([]);
    expect(isPoolDirectory(folder)).toBe(false);
  });

  it('is foreign as soon as somebody has put something there', () => {
    openLayout(folder).close();
    writeFileSync(join(folder, 'volumes', 'data'), '');
    mkdirSync(join(folder, 'photos'));
    expect(foreignEntries(folder).sort()).toEqual(['photos', 'volumes']);
  });

  it('is not fooled by a file in the place of a folder', () => {
    writeFileSync(join(folder, 'snapshots'), '');
    expect(foreignEntries(folder)).toEqual(['snapshots']);
  });
});

describe('the name of an entry', () => {
  const token = { uuid: '01a20935-f2ef-71e2-a14d-6419cb11d277', generation: 3 };

  it.each(['', '.img'])('is read back, with the suffix "%s"', (suffix) => {
    expect(parseEntryName(entryName(token, suffix), suffix)).toEqual(token);
  });

  it.each([
    'data',
    '01a20935-f2ef-71e2-a14d-6419cb11d277',
    '01a20935-f2ef-71e2-a14d-6419cb11d277.1',
    '01a20935-f2ef-71e2-a14d-6419cb11d277.x.img',
    '01A20935-F2EF-71E2-A14D-6419CB11D277.1.img',
    '../01a20935-f2ef-71e2-a14d-6419cb11d277.1.img',
  ])('that Berth has not given is none: %s', (name) => {
    expect(parseEntryName(name, '.img')).toBeUndefined();
  });
});
