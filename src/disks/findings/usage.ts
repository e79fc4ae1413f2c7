import type { Machine } from '../machine.ts';
import type { Reason } from '../model.ts';
import { when } from '../reasons.ts';
import type { DiskSnapshot } from '../snapshot.ts';
import { list, quote } from '../words.ts';

/** Whoever uses the device now. */
export function usageReasons(snapshot: DiskSnapshot, machine: Machine): Reason[] {
  const { mounts, mountCount, holders, backs, btrfs, swap, partitions, exclusive } = snapshot;
  const wholeHolders = machine.parentOf(snapshot)?.holders ?? [];
  const more = mountCount > mounts.length ? ` and ${mountCount - mounts.length} more` : '';
  return [
    ...when(mountCount > 0, 'MOUNTED', `mounted at ${list(mounts.map(quote))}${more}`),
    ...when(mountCount === 0 && btrfs !== undefined, 'BTRFS_MEMBER', `a member of the mounted btrfs ${btrfs}`),
    ...when(swap, 'SWAP_ACTIVE', 'the machine swaps on it'),
    ...when(holders.length > 0, 'HELD', `held by ${list(holders)}`),
    ...when(wholeHolders.length > 0, 'HELD', `its disk is held by ${list(wholeHolders)}`),
    ...when(backs.length > 0, 'LOOP_BACKING', `held by the loop device ${list(backs)}`),
    ...when(partitions.length > 0, 'HAS_PARTITIONS', `has the partitions ${list(partitions)}`),
    ...when(machine.isSystem(snapshot), 'SYSTEM_DISK', 'the running system is on this disk'),
    ...when(exclusive.state === 'busy', 'OPENED_EXCLUSIVELY', 'a process has it open exclusively'),
  ];
}
