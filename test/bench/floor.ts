import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { closeSync, constants } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { createSubvolume, enableQuota, subvolumeInfo } from '../../src/host/btrfs.ts';
import { openBeneath, renameNoReplace, syncFilesystem } from '../../src/host/files.ts';
import { openLayout } from '../../src/pools/layout.ts';
import { migrations } from '../../src/pools/schema.ts';
import { serveWork } from './agent.ts';

/**
 * The floor: what a durable, limited volume costs at the least. The system calls and the ledger's two writes of a
 * create, a batch at a time, in a bare loop on one thread: no gRPC, no checks, no other callers.
 */
export type FloorWork = ReturnType<typeof openFloor>;

const SIZE_BYTES = 64n << 20n;

function openFloor(poolDir: string) {
  const layout = openLayout(poolDir);
  enableQuota(layout.rootFd, 'qgroup');
  const db = new DatabaseSync(layout.ledgerPath);
  db.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000; ${migrations.join('')}`,
  );
  const insert = db.prepare(
    `INSERT INTO objects (uuid, kind, generation, name, state, size_bytes, charged_bytes, content, parameters, grow, created_at)
     VALUES (?, 'volume', 1, ?, 'creating', ?, ?, 'btrfs', '{}', 0, ?)`,
  );
  const update = db.prepare(`UPDATE objects SET state = 'ready', identity = ?, number = ? WHERE uuid = ?`);

  const makeBatch = (size: number): void => {
    const uuids = Array.from({ length: size }, () => randomUUIDv7());
    db.exec('BEGIN IMMEDIATE');
    for (const uuid of uuids) insert.run(uuid, `pvc-${randomUUID()}`, SIZE_BYTES, SIZE_BYTES, Date.now());
    db.exec('COMMIT');
    const made = uuids.map((uuid) => {
      const { dirFd, name } = layout.place('staging', `${uuid}.1`);
      createSubvolume(dirFd, name, SIZE_BYTES);
      const fd = openBeneath(dirFd, name, constants.O_RDONLY | constants.O_DIRECTORY);
      const info = subvolumeInfo(fd);
      closeSync(fd);
      return { uuid, name, info };
    });
    db.exec('BEGIN IMMEDIATE');
    for (const { uuid, info } of made) update.run(info.uuid, info.id, uuid);
    db.exec('COMMIT');
    syncFilesystem(layout.rootFd);
    for (const { name } of made) {
      renameNoReplace(layout.place('staging', name).dirFd, name, layout.place('volumes', name).dirFd, name);
    }
  };

  return {
    /** Makes `count` volumes, `batch` at a time; how long each batch took, in ms. */
    create({ batch, count }: { batch: number; count: number }): number[] {
      const durations: number[] = [];
      for (let done = 0; done < count; done += batch) {
        const startedAt = performance.now();
        makeBatch(batch);
        durations.push(performance.now() - startedAt);
      }
      return durations;
    },
  };
}

if (import.meta.main) serveWork(openFloor(process.argv[2]!));
