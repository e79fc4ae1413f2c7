/**
 * The ledger's schema, one migration a version: PRAGMA user_version counts how many have run. A migration that has been
 * released is never changed.
 *
 * `objects` holds volumes and snapshots alike, since both are made, renamed, counted and freed the same way. Sizes are
 * in bytes, times in ms since 1970. `identity` is what the backend reads back from the disk to be sure that an entry is
 * the one meant (see backend.ts); together with uuid and generation it is the object's token. `parameters` and `io_limits`
 * are JSON.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE objects (
    uuid          TEXT PRIMARY KEY,
    kind          TEXT NOT NULL CHECK (kind IN ('volume', 'snapshot')),
    generation    INTEGER NOT NULL,
    name          TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('creating', 'ready', 'deleting')),
    size_bytes    INTEGER NOT NULL,
    charged_bytes INTEGER NOT NULL,
    content       TEXT NOT NULL,
    parameters    TEXT NOT NULL,
    source_kind   TEXT,
    source_uuid   TEXT,
    group_uuid    TEXT,
    identity      TEXT,
    number        INTEGER,
    grow          INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX objects_by_name ON objects (kind, name) WHERE state <> 'deleting';
  CREATE INDEX objects_unfinished ON objects (state) WHERE state <> 'ready';
  CREATE INDEX objects_by_source ON objects (source_uuid) WHERE source_uuid IS NOT NULL;
  CREATE TABLE groups (
    uuid       TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    sources    TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `ALTER TABLE objects ADD COLUMN io_limits TEXT NOT NULL DEFAULT '{}';`,
];
