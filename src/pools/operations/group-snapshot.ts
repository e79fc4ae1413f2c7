import { BerthError } from '../../errors.ts';
import type { CopySource, Made } from '../backend.ts';
import {
  commitStep,
  findObject,
  fullId,
  holding,
  mountsOf,
  newUuid,
  type PoolCore,
  placeOf,
  writeStep,
} from '../core.ts';
import type { GroupRow, ObjectRow } from '../ledger.ts';
import { describeSource, frozen } from './copy.ts';
import { discard } from './delete.ts';
import { discardUnfinished } from './free.ts';
import { moveObject } from './make.ts';
import { snapshotRow } from './snapshot.ts';

export interface GroupResult {
  group: GroupRow;
  members: ObjectRow[];
}

/**
 * CreateVolumeGroupSnapshot (CSI 1.13): all volumes as they were at one moment, or nothing. The group's row and its
 * members' rows become ready in one commit.
 */
export async function createGroup(core: PoolCore, args: { name: string; sourceUuids: string[] }): Promise<GroupResult> {
  const sources = [...new Set(args.sourceUuids)].sort();
  const existing = core.ledger.groupByName(args.name);
  if (existing !== undefined) {
    if (existing.sources.join() !== sources.join()) throw new BerthError('SNAPSHOT_EXISTS', { name: args.name });
    return { group: existing, members: core.ledger.groupMembers(existing.uuid) };
  }
  const volumes = sources.map((uuid) => findObject(core, 'volume', uuid));
  const group: GroupRow = { uuid: newUuid(), name: args.name, sources, createdAt: core.now() };
  const rows = volumes.map((volume, index) => snapshotRow(core, volume, `${group.uuid}-${index}`, group.uuid));
  const held = [...sources, ...rows.map((row) => row.uuid)];
  return holding(core, 'CreateVolumeGroupSnapshot', held, async () => {
    await writeStep(core, 'snapshot.intent', () => rows.forEach(core.ledger.insertObject));
    let made: Made[];
    try {
      made = await copyTogether(core, volumes, rows);
      core.room.require(made.reduce((sum, { heldBytes }) => sum + heldBytes, 0n));
    } catch (error) {
      for (const row of rows) await discardUnfinished(core, row);
      throw error;
    }
    const members = rows.map((row, index): ObjectRow => {
      const { identity, number, heldBytes } = made[index]!;
      return { ...row, state: 'ready', identity, number, chargedBytes: heldBytes };
    });
    await commitStep(core, 'snapshot.commit', () => {
      core.ledger.insertGroup(group);
      members.forEach(core.ledger.updateObject);
    });
    core.step('snapshot.place', () => {
      for (const member of members) moveObject(core, member, 'staging', 'snapshots');
    });
    return { group, members };
  });
}

/**
 * One moment for all: either the file systems are held still together, or the backend cuts all copies in one
 * transaction, or at most one of the volumes is in use, so that the others cannot change meanwhile.
 */
async function copyTogether(core: PoolCore, volumes: ObjectRow[], rows: ObjectRow[]): Promise<Made[]> {
  const sources = volumes.map((volume) => describeSource(core, volume));
  const places = rows.map((row) => placeOf(core, row, 'staging'));
  const inUse = volumes.filter((volume) => {
    const { mounts, device } = mountsOf(core, volume);
    return mounts.length > 0 || device !== undefined;
  });
  const oneByOne = async (): Promise<Made[]> => {
    const made: Made[] = [];
    for (const [index, source] of sources.entries()) {
      const spec = { ...rows[index]!, readOnly: true };
      made.push(await core.step('snapshot.copy', () => core.backend.copy(source, places[index]!, spec, () => {})));
    }
    return made;
  };
  if (core.backend.freezesForCopy) {
    const rawInUse = inUse.filter((volume) => volume.content === 'block');
    if (rawInUse.length > 0 && inUse.length > 1) {
      throw new BerthError('GROUP_NOT_CONSISTENT', { problem: 'a raw block device in use cannot be held still' });
    }
    return frozen(core, 'snapshot', mountPointsOf(sources), oneByOne);
  }
  if (inUse.length <= 1) return oneByOne();
  const made = await core.backend.copyGroup?.(sources, places);
  if (made === undefined) {
    throw new BerthError('GROUP_NOT_CONSISTENT', { problem: `${inUse.length} of them are in use` });
  }
  return made;
}

const mountPointsOf = (sources: CopySource[]): string[] =>
  sources.flatMap(({ mountedAt }) => (mountedAt === undefined ? [] : [mountedAt]));

/** DeleteVolumeGroupSnapshot: all members. A group that is gone is fine; ids that are not its own are refused. */
export async function deleteGroup(core: PoolCore, args: { uuid: string; snapshotUuids: string[] }): Promise<void> {
  const group = core.ledger.group(args.uuid);
  if (group === undefined) return;
  const members = core.ledger.groupMembers(group.uuid);
  checkMembers(core, group, members, args.snapshotUuids);
  await holding(
    core,
    'DeleteVolumeGroupSnapshot',
    members.map((member) => member.uuid),
    () => discard(core, members, () => core.ledger.removeGroup(group.uuid)),
  );
}

export function getGroup(core: PoolCore, args: { uuid: string; snapshotUuids: string[] }): GroupResult {
  const group = core.ledger.group(args.uuid);
  if (group === undefined) throw new BerthError('GROUP_SNAPSHOT_NOT_FOUND', { id: fullId(core, args.uuid) });
  const members = core.ledger.groupMembers(group.uuid);
  checkMembers(core, group, members, args.snapshotUuids);
  return { group, members };
}

function checkMembers(core: PoolCore, group: GroupRow, members: ObjectRow[], asked: string[]): void {
  if (asked.length === 0) return;
  const own = new Set(members.map((member) => member.uuid));
  if (asked.length !== own.size || asked.some((uuid) => !own.has(uuid))) {
    throw new BerthError('FIELD_INVALID', {
      field: 'snapshot_ids',
      problem: `they are not the ${own.size} snapshots of group ${fullId(core, group.uuid)}`,
    });
  }
}
