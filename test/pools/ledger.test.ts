import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ObjectRow, openLedger } from '../../src/pools/ledger.ts';
import { migrations } from '../../src/pools/schema.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-ledger-'));
  path = join(folder, 'ledger.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

const row = (uuid: string, more: Partial<ObjectRow> = {}): ObjectRow => ({
  uuid,
  kind: 'volume',
  generation: 1,
  name: `name-${uuid}`,
  state: 'ready',
  sizeBytes: 2n ** 60n,
  chargedBytes: 100n,
  content: 'ext4',
  parameters: { thin: true, nodatacow: false },
  ioLimits: {},
  source: undefined,
  groupUuid: undefined,
  identity: 'token',
  number: 2n ** 62n,
  grow: true,
  createdAt: 1_795_000_000_000,
  ...more,
});

function reopened<T>(use: (ledger: ReturnType<typeof openLedger>) => T): T {
  const ledger = openLedger(path, 'test');
  try {
    return use(ledger);
  } finally {
    ledger.commit();
    ledger.close();
  }
}

describe('objects', () => {
  test('come back as they were, with numbers beyond 2^53', () => {
    const volume = row('a', { source: { kind: 'snapshot', uuid: 's' }, groupUuid: 'g' });
    reopened((ledger) => ledger.insertObject(volume));
    expect(reopened((ledger) => ledger.object('a'))).toEqual(volume);
  });

  test('what is not committed is gone', () => {
    const ledger = openLedger(path, 'test');
    ledger.insertObject(row('a'));
    ledger.close();
    expect(reopened((after) => after.object('a'))).toBeUndefined();
  });

  test('a name is taken by one that lives, per kind, and free again once it is being deleted', () => {
    reopened((ledger) => {
      ledger.insertObject(row('a', { name: 'n' }));
      ledger.insertObject(row('s', { name: 'n', kind: 'snapshot' }));
      expect(() => ledger.insertObject(row('b', { name: 'n' }))).toThrow(/UNIQUE/);
    });
    reopened((ledger) => ledger.updateObject(row('a', { name: 'n', state: 'deleting' })));
    reopened((ledger) => {
      expect(ledger.objectByName('volume', 'n')).toBeUndefined();
      ledger.insertObject(row('b', { name: 'n' }));
      expect(ledger.objectByName('volume', 'n')?.uuid).toBe('b');
    });
  });

  test('list in the order of their uuids, page by page, ready ones only', () => {
    reopened((ledger) => {
      for (const uuid of ['c', 'a', 'b']) ledger.insertObject(row(uuid));
      ledger.insertObject(row('d', { state: 'creating' }));
      const uuids = (filter: object) => ledger.listObjects({ kind: 'volume', ...filter }).map(({ uuid }) => uuid);
      expect(uuids({})).toEqual(['a', 'b', 'c']);
      expect(uuids({ limit: 2 })).toEqual(['a', 'b']);
      expect(uuids({ after: 'b' })).toEqual(['c']);
      expect(ledger.unfinishedObjects().map(({ uuid }) => uuid)).toEqual(['d']);
    });
  });

  test('totals follow every change and survive a reopening', () => {
    const expected = { chargedBytes: 350n, volumes: 1, snapshots: 1 };
    reopened((ledger) => {
      ledger.insertObject(row('a', { state: 'creating' }));
      ledger.updateObject(row('a', { chargedBytes: 300n }));
      ledger.insertObject(row('s', { kind: 'snapshot', chargedBytes: 50n }));
      ledger.insertObject(row('gone'));
      ledger.removeObject('gone');
      expect(ledger.totals()).toEqual(expected);
    });
    expect(reopened((ledger) => ledger.totals())).toEqual(expected);
  });
});

describe('opening', () => {
  test('a ledger of a newer Berth is refused and left as it is', () => {
    reopened(() => {});
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA user_version = ${migrations.length + 1}`);
    db.close();
    expect(() => openLedger(path, 'test')).toThrow(expect.objectContaining({ code: 'LEDGER_TOO_NEW' }));
  });

  test('a ledger of an older Berth keeps its volumes', () => {
    const db = new DatabaseSync(path);
    db.exec(migrations[0]!);
    db.exec(`PRAGMA user_version = 1; INSERT INTO objects (uuid, kind, generation, name, state, size_bytes, charged_bytes,
      content, parameters, created_at) VALUES ('a', 'volume', 1, 'old', 'ready', 1, 1, 'ext4', '{}', 1)`);
    db.close();
    expect(reopened((ledger) => ledger.object('a'))).toMatchObject({ name: 'old', ioLimits: {} });
  });

  test('what is no database is refused', () => {
    writeFileSync(path, 'x'.repeat(8192));
    expect(() => openLedger(path, 'test')).toThrow(expect.objectContaining({ code: 'LEDGER_DAMAGED' }));
  });
});
