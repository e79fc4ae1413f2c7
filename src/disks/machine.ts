import type { DiskSnapshot } from './snapshot.ts';
import { isNetwork, transportOf } from './transport.ts';

/** What a device cannot tell of itself: how it stands to the machine's other devices. */
export interface Machine {
  parentOf(snapshot: DiskSnapshot): DiskSnapshot | undefined;
  /** Whether the running system needs the device, or one that it is a part of or is made from. */
  isSystem(snapshot: DiskSnapshot): boolean;
  /** Whether it is a loop device or made from one. */
  isOnLoop(snapshot: DiskSnapshot): boolean;
  /** Whether any of what it is made of is reached over a network. */
  isRemote(snapshot: DiskSnapshot): boolean;
}

const SYSTEM_MOUNT = /^\/(boot|efi|usr|var|etc|home|root|opt)?$|^\/boot\/efi$/;

export function describeMachine(snapshots: readonly DiskSnapshot[]): Machine {
  const byName = new Map(snapshots.map((snapshot) => [snapshot.name, snapshot]));
  const backers = new Map(snapshots.flatMap(({ name, backs }) => backs.map((loop) => [loop, name] as const)));

  /** The device and all that it is on or made of. */
  const foundation = (snapshot: DiskSnapshot, seen = new Set<DiskSnapshot>()): Set<DiskSnapshot> => {
    if (seen.has(snapshot)) return seen;
    seen.add(snapshot);
    for (const name of [snapshot.parent, backers.get(snapshot.name), ...snapshot.slaves]) {
      const lower = name === undefined ? undefined : byName.get(name);
      if (lower !== undefined) foundation(lower, seen);
    }
    return seen;
  };

  const system = new Set<DiskSnapshot>();
  for (const snapshot of snapshots) {
    if (snapshot.swap || snapshot.mounts.some((point) => SYSTEM_MOUNT.test(point))) foundation(snapshot, system);
  }
  const some = (snapshot: DiskSnapshot, test: (lower: DiskSnapshot) => boolean): boolean =>
    [...foundation(snapshot)].some(test);
  return {
    parentOf: ({ parent }) => (parent === undefined ? undefined : byName.get(parent)),
    isSystem: (snapshot) => some(snapshot, (lower) => system.has(lower)),
    isOnLoop: (snapshot) => some(snapshot, ({ kind }) => kind === 'loop'),
    isRemote: (snapshot) => some(snapshot, (lower) => isNetwork(transportOf(lower))),
  };
}
