import { readMounts } from '../host/mountinfo.ts';
import { type PoolCore, placeOf } from './core.ts';
import { entryName, homeOf } from './layout.ts';
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
 * unfinished expansions and deletes are finished. What nobody can explain is reported and left alone.
 */
export async function reconcile(core: PoolCore): Promise<Findings> {
  core.backend.tidy?.();
  const unfinished = core.ledger.unfinishedObjects();
  const creating = unfinished.filter((row) => row.state === 'creating');
  thawSources(core, creating);
  for (const row of creating) await discardUnfinished(core, row);
  for (const row of unfinished.filter((row) => row.state === 'deleting')) {
    for (const folder of ['staging', homeOf(row.kind)] as const) moveObject(core, row, folder, 'trash');
    freeLater(core, row);
  }
  for (const name of core.layout.entries('staging')) {
    const row = core.ledger.object(name.split('.')[0]!);
    if (row?.state === 'ready') moveObject(core, row, 'staging', homeOf(row.kind));
  }
  for (const row of core.ledger.unfinishedExpansions()) finishExpansion(core, row);
  await core.durable();
  return compare(core);
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
  const expected = new Map(core.ledger.readyEntries().map((entry) => [entryName(entry, core.backend.suffix), entry]));
  const orphans: string[] = [];
  for (const folder of ['volumes', 'snapshots'] as const) {
    for (const name of core.layout.entries(folder)) {
      const entry = expected.get(name);
      if (entry !== undefined && homeOf(entry.kind) === folder) expected.delete(name);
      else orphans.push(`${folder}/${name}`);
    }
  }
  return { orphans, missing: Array.from(expected.values(), ({ uuid }) => uuid) };
}
