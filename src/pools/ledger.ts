import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { BerthError } from '../errors.ts';
import type { FilesystemType, IoLimits, VolumeParameters } from '../volumes/model.ts';
import { migrations } from './schema.ts';

/** A volume or a snapshot, as the ledger has it. */
export interface ObjectRow {
  uuid: string;
  kind: 'volume' | 'snapshot';
  /** Rises when the entry on the disk gets another meaning; part of its file name. */
  generation: number;
  name: string;
  state: 'creating' | 'ready' | 'deleting';
  sizeBytes: bigint;
  /** What it counts against the pool. */
  chargedBytes: bigint;
  content: 'block' | FilesystemType;
  parameters: VolumeParameters;
  ioLimits: IoLimits;
  /** Where the data came from; of a snapshot, the volume that it shows. */
  source?: { kind: 'volume' | 'snapshot'; uuid: string } | undefined;
  groupUuid?: string | undefined;
  identity?: string | undefined;
  /** The backend's own number of it, such as the btrfs subvolume id. */
  number?: bigint | undefined;
  /** The file system inside is smaller than the volume and is grown when it is next mounted. */
  grow: boolean;
  createdAt: number;
}

export interface GroupRow {
  uuid: string;
  name: string;
  /** Uuids of the volumes, sorted. */
  sources: string[];
  createdAt: number;
}

export interface ObjectFilter {
  kind: 'volume' | 'snapshot';
  /** Only uuids above this one. */
  after?: string | undefined;
  limit?: number | undefined;
  sourceUuid?: string | undefined;
}

type Row = Record<string, unknown>;

/**
 * The pool's record of what is on it, in SQLite on the pool. Writes gather in one transaction until `commit`, so a
 * batch costs one commit; WAL with synchronous=NORMAL never tears, and durability is the caller's one syncfs a batch.
 */
export function openLedger(path: string, poolLabel: string) {
  const db = openDatabase(path, poolLabel);
  const statements = new Map<string, StatementSync>();
  let inTransaction = false;

  /** Damage that was not seen at the opening shows when a page is read. */
  const readable = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      throw isDamage(error) ? damaged(poolLabel, error) : error;
    }
  };
  const statement = (sql: string): StatementSync => {
    let prepared = statements.get(sql);
    if (prepared === undefined) {
      prepared = db.prepare(sql);
      prepared.setReadBigInts(true);
      statements.set(sql, prepared);
    }
    return prepared;
  };
  const write = (sql: string, ...values: SQLInputValue[]): void => {
    if (!inTransaction) {
      db.exec('BEGIN IMMEDIATE');
      inTransaction = true;
    }
    readable(() => statement(sql).run(...values));
  };
  const one = (sql: string, ...values: SQLInputValue[]): Row | undefined =>
    readable(() => statement(sql).get(...values) as Row | undefined);
  const totals = { chargedBytes: 0n, volumes: 0, snapshots: 0 };
  const account = (row: ObjectRow | undefined, sign: 1 | -1): void => {
    if (row === undefined) return;
    totals.chargedBytes += BigInt(sign) * row.chargedBytes;
    if (row.state === 'ready') totals[row.kind === 'volume' ? 'volumes' : 'snapshots'] += sign;
  };
  const object = (uuid: string): ObjectRow | undefined => toObject(one('SELECT * FROM objects WHERE uuid = ?', uuid));
  const all = (sql: string, ...values: SQLInputValue[]): Row[] =>
    readable(() => statement(sql).all(...values) as Row[]);

  /** One row at a time, where there may be very many. */
  function* each(sql: string): Generator<Row> {
    const rows = readable(() => statement(sql).iterate());
    for (;;) {
      const { value, done } = readable(() => rows.next());
      if (done) return;
      yield value as Row;
    }
  }

  try {
    for (const row of each('SELECT * FROM objects')) account(toObject(row), 1);
  } catch (error) {
    db.close();
    throw error instanceof BerthError ? error : damaged(poolLabel, error);
  }

  return {
    /** Makes the writes since the last commit visible to a later open, though not yet safe from a power cut. */
    commit(): void {
      if (!inTransaction) return;
      db.exec('COMMIT');
      inTransaction = false;
    },
    hasWrites: (): boolean => inTransaction,
    /** Moves the write-ahead log into the database; for idle moments. */
    checkpoint(): void {
      if (!inTransaction) db.exec('PRAGMA wal_checkpoint(PASSIVE)');
    },
    close(): void {
      db.close();
    },

    meta: (key: string): string | undefined =>
      one('SELECT value FROM meta WHERE key = ?', key)?.['value'] as string | undefined,
    setMeta: (key: string, value: string): void =>
      write('INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value', key, value),

    insertObject(row: ObjectRow): void {
      account(row, 1);
      write(
        `INSERT INTO objects (uuid, kind, generation, name, state, size_bytes, charged_bytes, content, parameters,
           source_kind, source_uuid, group_uuid, identity, number, grow, created_at, io_limits)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...objectValues(row),
      );
    },
    /** Replaces all that can change: state, generation, sizes, identity, number, grow, name, group, I/O limits. */
    updateObject(row: ObjectRow): void {
      account(object(row.uuid), -1);
      account(row, 1);
      write(
        `UPDATE objects SET generation = ?, name = ?, state = ?, size_bytes = ?, charged_bytes = ?, identity = ?,
           number = ?, grow = ?, group_uuid = ?, io_limits = ? WHERE uuid = ?`,
        row.generation,
        row.name,
        row.state,
        row.sizeBytes,
        row.chargedBytes,
        row.identity ?? null,
        row.number ?? null,
        row.grow ? 1 : 0,
        row.groupUuid ?? null,
        JSON.stringify(row.ioLimits),
        row.uuid,
      );
    },
    removeObject(uuid: string): void {
      account(object(uuid), -1);
      write('DELETE FROM objects WHERE uuid = ?', uuid);
    },
    object,
    objectByName: (kind: ObjectRow['kind'], name: string): ObjectRow | undefined =>
      toObject(one(`SELECT * FROM objects WHERE kind = ? AND name = ? AND state <> 'deleting'`, kind, name)),
    /** The ready volume of the backend's own number; no index, since only a guard that has found something asks. */
    volumeByNumber: (number: bigint): ObjectRow | undefined =>
      toObject(one(`SELECT * FROM objects WHERE number = ? AND kind = 'volume' AND state = 'ready'`, number)),
    /** Ready objects in the order of their uuids. */
    listObjects({ kind, after = '', limit = -1, sourceUuid }: ObjectFilter): ObjectRow[] {
      const source = sourceUuid === undefined ? '' : 'AND source_uuid = ?';
      const values = sourceUuid === undefined ? [] : [sourceUuid];
      return all(
        `SELECT * FROM objects WHERE uuid > ? AND kind = ? AND state = 'ready' ${source} ORDER BY uuid LIMIT ?`,
        after,
        kind,
        ...values,
        limit,
      ).map((row) => toObject(row)!);
    },
    limitedVolumes: (): ObjectRow[] =>
      all(`SELECT * FROM objects WHERE io_limits <> '{}' AND state = 'ready'`).map((row) => toObject(row)!),
    unfinishedObjects: (): ObjectRow[] =>
      all(`SELECT * FROM objects WHERE state <> 'ready'`).map((row) => toObject(row)!),
    /** Volumes whose promise has grown and whose size has not. */
    unfinishedExpansions: (): ObjectRow[] =>
      all(`SELECT * FROM objects WHERE kind = 'volume' AND state = 'ready' AND charged_bytes > size_bytes`).map(
        (row) => toObject(row)!,
      ),
    /** Names of everything that lives or is being made, for the index in the main thread. */
    names: (): { kind: ObjectRow['kind'] | 'group'; name: string }[] =>
      all(`SELECT kind, name FROM objects WHERE state <> 'deleting' UNION ALL SELECT 'group', name FROM groups`) as {
        kind: ObjectRow['kind'] | 'group';
        name: string;
      }[],
    /** What the file names of ready objects are made of. */
    *readyEntries(): Generator<Pick<ObjectRow, 'uuid' | 'kind' | 'generation'>> {
      for (const row of each(`SELECT uuid, kind, generation FROM objects WHERE state = 'ready'`)) {
        yield {
          uuid: row['uuid'] as string,
          kind: row['kind'] as ObjectRow['kind'],
          generation: Number(row['generation']),
        };
      }
    },
    /** What all objects, finished or not, count against the pool, and how many are ready. */
    totals: (): Readonly<typeof totals> => totals,

    insertGroup: (group: GroupRow): void =>
      write(
        'INSERT INTO groups VALUES (?, ?, ?, ?)',
        group.uuid,
        group.name,
        JSON.stringify(group.sources),
        group.createdAt,
      ),
    removeGroup: (uuid: string): void => write('DELETE FROM groups WHERE uuid = ?', uuid),
    group: (uuid: string): GroupRow | undefined => toGroup(one('SELECT * FROM groups WHERE uuid = ?', uuid)),
    groupByName: (name: string): GroupRow | undefined => toGroup(one('SELECT * FROM groups WHERE name = ?', name)),
    groups: (): GroupRow[] => all('SELECT * FROM groups').map((row) => toGroup(row)!),
    groupMembers: (uuid: string): ObjectRow[] =>
      all(`SELECT * FROM objects WHERE group_uuid = ? AND state <> 'deleting' ORDER BY uuid`, uuid).map(
        (row) => toObject(row)!,
      ),
  };
}

export type Ledger = ReturnType<typeof openLedger>;

function openDatabase(path: string, poolLabel: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    // Exclusive first: the index of the log is then kept in memory instead of in a file that is mapped, where a failed
    // disk would end the whole process with SIGBUS.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA mmap_size = 0');
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000');
    migrate(db, poolLabel);
    const { quick_check: verdict } = db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
    if (verdict !== 'ok') throw new Error(verdict);
    return db;
  } catch (error) {
    db?.close();
    throw error instanceof BerthError ? error : damaged(poolLabel, error);
  }
}

/**
 * SQLITE_ERROR, which is a damaged schema, since the statements are always the same; SQLITE_CORRUPT and SQLITE_NOTADB. In
 * the low byte of the extended codes (sqlite.org/rescode.html).
 */
const DAMAGE = [1, 11, 26];

const isDamage = (error: unknown): boolean =>
  DAMAGE.includes(((error as { errcode?: number } | null)?.errcode ?? 0) % 256);

const damaged = (pool: string, cause: unknown): BerthError =>
  new BerthError('LEDGER_DAMAGED', { pool, problem: (cause as Error).message }, { cause });

function migrate(db: DatabaseSync, poolLabel: string): void {
  const version = (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
  if (version > migrations.length) {
    throw new BerthError('LEDGER_TOO_NEW', { pool: poolLabel, found: version, known: migrations.length });
  }
  for (let next = version; next < migrations.length; next++) {
    db.exec(`BEGIN; ${migrations[next]} PRAGMA user_version = ${next + 1}; COMMIT`);
  }
}

const objectValues = (row: ObjectRow): SQLInputValue[] => [
  row.uuid,
  row.kind,
  row.generation,
  row.name,
  row.state,
  row.sizeBytes,
  row.chargedBytes,
  row.content,
  JSON.stringify(row.parameters),
  row.source?.kind ?? null,
  row.source?.uuid ?? null,
  row.groupUuid ?? null,
  row.identity ?? null,
  row.number ?? null,
  row.grow ? 1 : 0,
  row.createdAt,
  JSON.stringify(row.ioLimits),
];

function toObject(row: Row | undefined): ObjectRow | undefined {
  if (row === undefined) return undefined;
  const sourceUuid = row['source_uuid'] as string | null;
  return {
    uuid: row['uuid'] as string,
    kind: row['kind'] as ObjectRow['kind'],
    generation: Number(row['generation']),
    name: row['name'] as string,
    state: row['state'] as ObjectRow['state'],
    sizeBytes: row['size_bytes'] as bigint,
    chargedBytes: row['charged_bytes'] as bigint,
    content: row['content'] as ObjectRow['content'],
    parameters: JSON.parse(row['parameters'] as string) as VolumeParameters,
    ioLimits: JSON.parse(row['io_limits'] as string) as IoLimits,
    source: sourceUuid === null ? undefined : { kind: row['source_kind'] as 'volume' | 'snapshot', uuid: sourceUuid },
    groupUuid: (row['group_uuid'] as string | null) ?? undefined,
    identity: (row['identity'] as string | null) ?? undefined,
    number: (row['number'] as bigint | null) ?? undefined,
    grow: row['grow'] === 1n,
    createdAt: Number(row['created_at']),
  };
}

function toGroup(row: Row | undefined): GroupRow | undefined {
  if (row === undefined) return undefined;
  return {
    uuid: row['uuid'] as string,
    name: row['name'] as string,
    sources: JSON.parse(row['sources'] as string) as string[],
    createdAt: Number(row['created_at']),
  };
}
