import type { Reason } from './model.ts';
import { printable } from './words.ts';

interface Entry {
  effect: Reason['effect'];
  /** What to do. */
  advice: string;
}

/** Every reason that classification gives. A code is stable and never reused for something else. */
export const reasonCatalogue = {
  // In use
  MOUNTED: { effect: 'used', advice: 'Unmount it if it is not needed.' },
  SWAP_ACTIVE: { effect: 'used', advice: 'swapoff it if it is not needed.' },
  HELD: { effect: 'used', advice: 'Take down the device on top of it first.' },
  LOOP_BACKING: { effect: 'used', advice: 'Detach the loop device first (losetup -d).' },
  BTRFS_MEMBER: { effect: 'used', advice: 'It belongs to a btrfs that the kernel knows; see `btrfs filesystem show`.' },
  OPENED_EXCLUSIVELY: { effect: 'used', advice: 'Stop the process that has it open (lsof shows it).' },
  SYSTEM_DISK: { effect: 'used', advice: 'The machine itself runs from this disk. Choose another.' },

  // Something is on it
  SIGNATURE: { effect: 'used', advice: 'If its content is not needed, erase it with wipefs; Berth does not.' },
  PARTITION_TABLE: {
    effect: 'used',
    advice: 'If the disk is not needed, erase the table with wipefs; Berth does not.',
  },
  HAS_PARTITIONS: { effect: 'used', advice: 'Choose a partition, or remove them all.' },
  PARTITION_TYPE: {
    effect: 'used',
    advice: 'Give the partition the type "Linux filesystem" if it is meant for Berth.',
  },
  RAW_HEADER: { effect: 'used', advice: 'If its content is not needed, erase it with the tool that made it.' },
  DATA_PRESENT: { effect: 'used', advice: 'If the data is not needed, overwrite the first and last 2 MiB with zeros.' },
  POOL_OF_OTHER_NODE: {
    effect: 'used',
    advice: 'If that node is gone for good, take the pool over: `berth pool import`.',
  },
  POOL_UNOPENED: { effect: 'used', advice: 'Configure the pool on this node, or take it over: `berth pool import`.' },

  // Of a kind that Berth does not take
  READ_ONLY: { effect: 'used', advice: 'Make it writable, or choose another.' },
  TOO_SMALL: { effect: 'used', advice: 'Choose a larger one.' },
  NO_MEDIUM: { effect: 'used', advice: 'Insert a medium.' },
  REMOVABLE: { effect: 'used', advice: 'Choose a disk that stays in the machine.' },
  HIDDEN: { effect: 'used', advice: 'Use the multipath device that it is a path of.' },
  MULTIPATH_PATH: { effect: 'used', advice: 'Use the multipath device that it is a path of.' },
  KIND_UNSUITABLE: { effect: 'used', advice: 'Choose a disk or partition.' },
  NETWORK_DISK: { effect: 'used', advice: 'Choose a disk that is in this machine; others may write to this one.' },
  LOOP_NOT_ALLOWED: { effect: 'used', advice: 'For tests and trials, select it by path with allowLoop: true.' },
  IDENTITY_DUPLICATE: { effect: 'used', advice: 'Remove one of the two, or set up multipath.' },

  // Not known well enough
  UDEV_ABSENT: { effect: 'unknown', advice: "Give Berth the host's /run/udev." },
  UDEV_NO_ENTRY: { effect: 'unknown', advice: 'Wait for udev, or run `udevadm trigger`.' },
  UDEV_DISAGREES: { effect: 'unknown', advice: 'Run `udevadm trigger` and look again.' },
  MOUNTS_PARTIAL: { effect: 'unknown', advice: "Run Berth as root in the host's PID namespace (hostPID: true)." },
  NODE_MISSING: { effect: 'unknown', advice: "Give Berth the host's /dev." },
  NODE_WRONG: { effect: 'unknown', advice: "Give Berth the host's /dev, kept by devtmpfs or udev." },
  IDENTITY_MISSING: { effect: 'unknown', advice: 'Make a GPT partition on it, which has an identity of its own.' },
  CONTENT_AMBIVALENT: { effect: 'unknown', advice: 'See `wipefs -n` for what is on it.' },
  CONTENT_UNKNOWN: {
    effect: 'unknown',
    advice: 'Look at the kernel log; the disk may be failing, or access is missing.',
  },
  EDGE_UNREADABLE: { effect: 'unknown', advice: 'Look at the kernel log; the disk may be failing.' },
  EXCLUSIVE_UNKNOWN: { effect: 'unknown', advice: 'Run Berth as root; else look at the kernel log.' },
  DEVICE_NOT_RUNNING: { effect: 'unknown', advice: 'Look at the kernel log; the disk may be failing.' },
  FACTS_MISSING: { effect: 'unknown', advice: "Look at the message; give Berth the host's /sys and /proc." },

  // Good to know
  POOL_OF_THIS_NODE: { effect: 'note', advice: 'Nothing: Berth has it.' },
  IDENTITY_WEAK: {
    effect: 'note',
    advice: 'Check that it is the right disk; its name comes from where it is plugged in.',
  },
  EMPTY: { effect: 'note', advice: 'It may be adopted: `berth disk adopt`.' },
} as const satisfies Record<string, Entry>;

export type ReasonCode = keyof typeof reasonCatalogue;

export const reason = (code: ReasonCode, message: string): Reason => ({
  code,
  message: printable(message),
  effect: reasonCatalogue[code].effect,
});

/** A reason when the condition holds, as a list to spread. */
export const when = (condition: boolean | undefined, code: ReasonCode, message: string): Reason[] =>
  condition ? [reason(code, message)] : [];
