import { createHash } from 'node:crypto';
import type { DiskSnapshot } from './snapshot.ts';

export interface Identity {
  id: string;
  /** `weak` names the place or a number that a user can set, not the disk. */
  strength: 'strong' | 'weak' | 'none';
}

/**
 * By what a device is known, strongest first: what is written on it, then what its maker gave it, then a number that a
 * user can set, then where it is plugged in. The kernel's name stands there when nothing else does.
 */
export function identitiesOf(snapshot: DiskSnapshot, parent: DiskSnapshot | undefined): Identity[] {
  const ofDisk = parent === undefined ? [] : identitiesOf(parent, undefined);
  const named = (strength: Identity['strength'], ...ids: (string | undefined)[]): Identity[] =>
    [...ids, ...partitionsOf(snapshot, ofDisk, strength)]
      .filter((id) => id !== undefined)
      .map((id) => ({ id, strength }));
  const found = [
    ...named(
      'strong',
      prefixed('partuuid', partitionUuid(snapshot)),
      prefixed('fs', filesystemUuid(snapshot)),
      prefixed('dm', snapshot.dm?.uuid),
      prefixed('md', snapshot.kind === 'md' ? snapshot.udev['MD_UUID'] : undefined),
      makersName(snapshot),
      loopName(snapshot),
    ),
    ...named('weak', prefixed('serial', snapshot.serial), prefixed('path', snapshot.udev['ID_PATH'])),
  ];
  return found.length > 0 ? found : [{ id: `name-${clean(snapshot.name)}`, strength: 'none' }];
}

/** What must not be on two disks: everything strong, or the first of what is weak. */
const telling = (identities: readonly Identity[]): readonly Identity[] =>
  identities[0]?.strength === 'strong'
    ? identities.filter(({ strength }) => strength === 'strong')
    : identities.slice(0, 1);

function partitionUuid({ content, udev, kind }: DiskSnapshot): string | undefined {
  if (kind !== 'partition') return undefined;
  const entry = content.state === 'empty' || content.state === 'found' ? content.tags : udev;
  return entry['ID_PART_ENTRY_SCHEME'] === 'gpt' ? entry['ID_PART_ENTRY_UUID'] : undefined;
}

/** Members of one file system or array share its UUID and have one of their own besides. */
function filesystemUuid({ content }: DiskSnapshot): string | undefined {
  if (content.state !== 'found') return undefined;
  const { ID_FS_UUID: uuid, ID_FS_UUID_SUB: member } = content.tags;
  return uuid === undefined || member === undefined ? uuid : `${uuid}.${member}`;
}

/** NGUID, EUI-64 or NAA name, with the serial number, since some arrays give one name to all their disks. */
const makersName = ({ wwn, serial }: DiskSnapshot): string | undefined =>
  wwn === undefined ? undefined : prefixed('wwn', serial === undefined ? wwn : `${wwn}.${serial}`);

/** The file, so that two loop devices over one file are seen as what they are. */
const loopName = ({ loop }: DiskSnapshot): string | undefined =>
  loop === undefined
    ? undefined
    : prefixed(
        'loop',
        createHash('sha256').update(`${loop.offsetBytes} ${loop.backingFile}`).digest('hex').slice(0, 16),
      );

const partitionsOf = (
  { partitionNumber }: DiskSnapshot,
  ofDisk: readonly Identity[],
  wanted: Identity['strength'],
): string[] =>
  partitionNumber === undefined
    ? []
    : ofDisk.filter(({ strength }) => strength === wanted).map(({ id }) => `${id}-part${partitionNumber}`);

const prefixed = (prefix: string, name: string | undefined): string | undefined =>
  name === undefined || name === '' ? undefined : `${prefix}-${clean(name)}`;

/** Ids are typed in shells and written into YAML. */
const clean = (name: string): string => name.replace(/[^A-Za-z0-9._-]+/g, '_');

/**
 * The devices that share an identity with another that is no part of it. A device and what is made of it, such as a
 * multipath device and its paths, are one thing.
 */
export function findDuplicates(
  identities: ReadonlyMap<DiskSnapshot, readonly Identity[]>,
): Map<DiskSnapshot, { id: string; others: string[] }> {
  const byName = new Map([...identities.keys()].map((snapshot) => [snapshot.name, snapshot]));
  const owners = new Map<string, DiskSnapshot[]>();
  for (const [snapshot, ids] of identities) {
    if (snapshot.hidden) continue;
    for (const { id } of telling(ids)) owners.set(id, [...(owners.get(id) ?? []), snapshot]);
  }
  const duplicates = new Map<DiskSnapshot, { id: string; others: string[] }>();
  for (const [id, group] of owners) {
    if (group.length < 2) continue;
    const tops = group.filter((one) => !group.some((other) => other !== one && isBeneath(one, other, byName)));
    if (tops.length < 2) continue;
    for (const one of tops) {
      duplicates.set(one, { id, others: tops.filter((other) => other !== one).map(({ path }) => path) });
    }
  }
  return duplicates;
}

function isBeneath(
  lower: DiskSnapshot,
  upper: DiskSnapshot,
  byName: ReadonlyMap<string, DiskSnapshot>,
  depth = 8,
): boolean {
  if (depth === 0) return false;
  return [...lower.holders, ...lower.backs].some((name) => {
    if (name === upper.name) return true;
    const next = byName.get(name);
    return next !== undefined && isBeneath(next, upper, byName, depth - 1);
  });
}
