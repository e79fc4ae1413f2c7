import type { Machine } from '../machine.ts';
import type { Reason } from '../model.ts';
import { reason, when } from '../reasons.ts';
import type { DiskSnapshot } from '../snapshot.ts';
import { quote } from '../words.ts';

const RUNNING = [undefined, 'running', 'live'];

/** What is not known. Nothing here may be taken for emptiness. */
export function ignoranceReasons(snapshot: DiskSnapshot, machine: Machine): Reason[] {
  return [...tableReasons(snapshot, machine), ...nodeReasons(snapshot, machine), ...answerReasons(snapshot)];
}

/** Of udev and the kernel's tables. udev knows nothing of a loop device that the kernel does not tell as well. */
function tableReasons(snapshot: DiskSnapshot, machine: Machine): Reason[] {
  const { content, udev, udevState, mountsFrom, problems } = snapshot;
  const needsUdev = !machine.isOnLoop(snapshot);
  const remembered = udev['ID_FS_TYPE'] ?? udev['ID_PART_TABLE_TYPE'];
  const disagrees = content.state === 'empty' && remembered !== undefined;
  return [
    ...when(needsUdev && udevState === 'absent', 'UDEV_ABSENT', 'there is no udev database, only a part is known'),
    ...when(needsUdev && udevState === 'no-entry', 'UDEV_NO_ENTRY', 'the udev database does not have it (yet)'),
    ...when(disagrees, 'UDEV_DISAGREES', `udev says ${quote(remembered ?? '')} where blkid finds nothing`),
    ...when(mountsFrom !== 'init', 'MOUNTS_PARTIAL', 'not all mounts of the machine could be read'),
    ...problems.map((problem) => reason('FACTS_MISSING', problem)),
  ];
}

function nodeReasons(snapshot: DiskSnapshot, machine: Machine): Reason[] {
  const { number, nodeNumber, hidden, path, dm } = snapshot;
  const { deviceState } = machine.parentOf(snapshot) ?? snapshot;
  const missing = nodeNumber === undefined && !hidden;
  const wrong = nodeNumber !== undefined && nodeNumber !== number;
  return [
    ...when(missing, 'NODE_MISSING', `there is no device node ${path}`),
    ...when(wrong, 'NODE_WRONG', `${path} is the device ${nodeNumber}, not ${number}`),
    ...when(dm?.suspended, 'DEVICE_NOT_RUNNING', 'suspended'),
    ...when(!RUNNING.includes(deviceState), 'DEVICE_NOT_RUNNING', `in the state ${quote(deviceState ?? '')}`),
  ];
}

/** Of the device's own answers. */
function answerReasons({ content, head, tail, exclusive }: DiskSnapshot): Reason[] {
  const unanswered = (
    answer: DiskSnapshot['head' | 'exclusive'],
    code: 'EDGE_UNREADABLE' | 'EXCLUSIVE_UNKNOWN',
    words: string,
  ) => (answer.state === 'unknown' ? [reason(code, `${words}: ${answer.problem}`)] : []);
  return [
    ...when(content.state === 'ambivalent', 'CONTENT_AMBIVALENT', 'blkid finds several contents at once'),
    ...(content.state === 'unknown' ? [reason('CONTENT_UNKNOWN', `not readable: ${content.problem}`)] : []),
    ...unanswered(head, 'EDGE_UNREADABLE', 'the first 2 MiB are not readable'),
    ...unanswered(tail, 'EDGE_UNREADABLE', 'the last 2 MiB are not readable'),
    ...unanswered(exclusive, 'EXCLUSIVE_UNKNOWN', 'cannot be opened exclusively'),
  ];
}
