import { readMounts } from '../host/mountinfo.ts';
import { type PoolCore, placeOf } from './core.ts';
import { entryName, homeOf, parseEntryName } from './layout.ts';
import type { ObjectRow } from './ledger.ts';
import { thawMount } from './operations/copy.ts';
import { expanded } from './operations/expand.ts';
import { discardUnfinished, freeLater } from './operations/free.ts';
import { moveObject } from './operations/make.ts';

/** What the disk and the ledger disagree on after everything that can be put right was. */
export interface Findings {
  /** On the disk and not in the ledger: left alone. */
  orphans: string[];
  /** Uuids of what is in the ledger and not on the disk. */
  missing: string[];
}

/**
 * Brings ledger and disk together at start: unfinished creates are rolled back, committed moves are made up for,
 * unfinished expansions and deletes are finished. After a power cut the ledger may lack what was not promised yet: an
 * object in the trash that is ready all the same goes back to its place. What nobody can explain is reported and left
 * alone.
 */
export async function reconcile(core: PoolCore): Promise<Findings> {
  core.backend.tidy?.();
  const unfinished = core.ledger.unfinishedObjects();
  const creating = unfinished.filter((row) => row.state === 'creating');
  thawSources(core, creating);
  for (const row of creating) await discardUnfinished(core, row);
  const doomed = unfinished.filter((row) => row.state === 'deleting');
  for (const row of doomed) {
    for (const folder of ['staging', homeOf(row.kind)] as const) moveObject(core, row, folder, 'trash');
  }
  for (const folder of ['staging', 'trash'] as const) {
    for (const name of core.layout.entries(folder)) {
      const token = parseEntryName(name, core.backend.suffix);
      if (token === undefined) continue;
      const row = core.ledger.object(token.uuid);
      if (row === undefined) doomed.push(adoptStray(core, token, folder));
      else if (row.state === 'ready') moveObject(core, row, folder, homeOf(row.kind));
    }
  }
  for (const row of core.ledger.unfinishedExpansions()) finishExpansion(core, row);
  await core.durable();
  for (const row of doomed) freeLater(core, row);
  return compare(core);
}

/**
 * After a power cut the disk can be ahead of the ledger: what is in staging or in the trash without a row was being made
 * and never promised, or is deleted and was being freed. It gets a row, so that it is freed like all else.
 */
function adoptStray(
  core: PoolCore,
  token: Pick<ObjectRow, 'uuid' | 'generation'>,
  folder: 'staging' | 'trash',
): ObjectRow {
  const row: ObjectRow = {
    ...token,
    kind: 'volume',
    name: token.uuid,
    state: 'deleting',
    sizeBytes: 0n,
    chargedBytes: 0n,
    content: 'block',
    parameters: { thin: true, nodatacow: false },
    ioLimits: {},
    grow: false,
    createdAt: core.now(),
  };
  core.ledger.insertObject(row);
  if (folder === 'staging') moveObject(core, row, folder, 'trash');
  return row;
}

/** A crash between freezing and thawing leaves a file system that nobody can write to. */
function thawSources(core: PoolCore, creating: ObjectRow[]): void {
  if (!core.backend.freezesForCopy) return;
  const sources = new Set(creating.flatMap((row) => (row.source === undefined ? [] : [row.source.uuid])));
  if (sources.size === 0) return;
  const mounts = readMounts();
  for (const uuid of sources) {
    const source = core.ledger.object(uuid);
    if (source === undefined || source.content === 'block') continue;
    const place = placeOf(core, source);
    const [mount] = core.backend.mountsOf(place, source, mounts, core.backend.attachedDevice?.(place, source));
    if (mount !== undefined) thawMount(mount.mountPoint);
  }
}

/** An expansion that was promised and not answered is carried out, since growing twice is harmless and shrinking is not. */
function finishExpansion(core: PoolCore, row: ObjectRow): void {
  try {
    core.backend.resize(placeOf(core, row), row, row.chargedBytes);
    core.ledger.updateObject(expanded(core, row, row.chargedBytes));
  } catch (error) {
    core.log('warn', 'an unfinished expansion is given up', { object: row.uuid, cause: String(error) });
    core.ledger.updateObject({ ...row, chargedBytes: row.sizeBytes });
  }
}

function compare(core: PoolCore): Findings {
  const found = {
    volumes: new Set(core.layout.entries('volumes')),
    snapshots: new Set(core.layout.entries('snapshots')),
  };
  const missing: string[] = [];
  for (const entry of core.ledger.readyEntries()) {
    const home = entry.kind === 'volume' ? found.volumes : found.snapshots;
    const name = entryName(entry, core.backend.suffix);
    if (!home.delete(name)) missing.push(entry.uuid);
    // A crash between its move and this leaves a snapshot that can be written to.
    else if (entry.kind === 'snapshot') core.backend.setReadOnly?.(core.layout.place('snapshots', name), true);
  }
  const orphans = Object.entries(found).flatMap(([folder, names]) => Array.from(names, (name) => `${folder}/${name}`));
  return { orphans, missing };
}
