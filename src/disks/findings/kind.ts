import { whyUnsuitable } from '../kinds.ts';
import type { Machine } from '../machine.ts';
import type { DiskPolicy, Reason } from '../model.ts';
import { when } from '../reasons.ts';
import type { DiskSnapshot } from '../snapshot.ts';

const DEFAULT_MIN_BYTES = 1n << 30n;
const DEFAULT_MIN_LOOP_BYTES = 128n << 20n;

/** What the device is. A partition cannot be more than its disk. */
export function kindReasons(snapshot: DiskSnapshot, machine: Machine, policy: DiskPolicy): Reason[] {
  const { kind, sizeBytes, dm, path, readOnly, hidden } = snapshot;
  const { removable, udev } = machine.parentOf(snapshot) ?? snapshot;
  const onLoop = machine.isOnLoop(snapshot);
  const minBytes = onLoop
    ? (policy.minLoopSizeBytes ?? DEFAULT_MIN_LOOP_BYTES)
    : (policy.minSizeBytes ?? DEFAULT_MIN_BYTES);
  const unsuitable = whyUnsuitable(kind, dm?.uuid);
  const onePath = udev['DM_MULTIPATH_DEVICE_PATH'] === '1' || udev['ID_FS_TYPE'] === 'mpath_member';
  return [
    ...when(onLoop && !policy.allowLoop?.has(path), 'LOOP_NOT_ALLOWED', 'a loop device that no selector allows'),
    ...when(unsuitable !== undefined, 'KIND_UNSUITABLE', `${unsuitable} is not taken`),
    ...when(readOnly, 'READ_ONLY', 'read-only'),
    ...when(removable, 'REMOVABLE', 'its medium can be removed'),
    ...when(hidden, 'HIDDEN', 'a hidden path of a multipath device'),
    ...when(onePath, 'MULTIPATH_PATH', 'one path of a multipath device'),
    ...when(machine.isRemote(snapshot), 'NETWORK_DISK', 'reached over a network'),
    ...when(sizeBytes === 0n, 'NO_MEDIUM', 'has no medium, or a size of 0'),
    ...when(sizeBytes > 0n && sizeBytes < minBytes, 'TOO_SMALL', `${sizeBytes} bytes, at least ${minBytes} are needed`),
  ];
}
