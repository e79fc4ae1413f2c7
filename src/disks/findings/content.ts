import type { DiskPolicy, PoolClaim, Reason } from '../model.ts';
import { isOwnClaim, labelOf } from '../pool-label.ts';
import { reason, when } from '../reasons.ts';
import type { DiskSnapshot, Tags } from '../snapshot.ts';
import { list, quote } from '../words.ts';

/** What is on the device. */
export function contentReasons(snapshot: DiskSnapshot, claim: PoolClaim | undefined, policy: DiskPolicy): Reason[] {
  const { content, head, tail, headers } = snapshot;
  return [
    ...(claim !== undefined ? [claimReason(claim, policy)] : []),
    ...(content.state === 'found' && claim === undefined ? [signatureReason(content.tags)] : []),
    ...(content.state === 'empty' ? partitionTypeReasons(snapshot, content.tags) : []),
    ...when(headers.length > 0, 'RAW_HEADER', `has the mark of ${list(headers)}`),
    ...when(head.state === 'data', 'DATA_PRESENT', 'the first 2 MiB are not all zero'),
    ...when(tail.state === 'data', 'DATA_PRESENT', 'the last 2 MiB are not all zero'),
  ];
}

function claimReason({ uuid, node, name = '' }: PoolClaim, policy: DiskPolicy): Reason {
  const known = policy.knownPools.get(uuid);
  if (known !== undefined)
    return reason('POOL_OF_THIS_NODE', `carries the pool ${quote(known)} (${uuid}) of this node`);
  if (node === undefined) {
    return reason('POOL_UNOPENED', `a Berth pool (${uuid}) whose owner is read when it is opened`);
  }
  if (isOwnClaim({ node, name }, policy.nodeName)) {
    return reason('POOL_OF_THIS_NODE', `carries the pool ${quote(name)} (${uuid}) of this node`);
  }
  const remedy = '`berth pool import` takes it over';
  return reason('POOL_OF_OTHER_NODE', `carries the pool ${quote(name)} (${uuid}) of node ${quote(node)}; ${remedy}`);
}

function signatureReason(tags: Tags): Reason {
  const { ID_FS_TYPE: type, ID_PART_TABLE_TYPE: table } = tags;
  if (type === undefined && table !== undefined) {
    return reason('PARTITION_TABLE', table === 'PMBR' ? 'has a protective MBR' : `has a partition table (${table})`);
  }
  const label = labelOf({ state: 'found', tags });
  const labelled = label === undefined ? '' : `, labelled ${quote(label)}`;
  return reason('SIGNATURE', `has ${type ?? 'something'} on it${labelled}`);
}

/** "Linux filesystem" by the UEFI Discoverable Partitions and MBR numberings. */
const PLAIN_TYPES = ['0fc63daf-8483-4772-8e79-3d69d8477de4', '0x83'];

/** A partition that is made for something else is not ours to take, even while it is empty. */
function partitionTypeReasons({ kind }: DiskSnapshot, tags: Tags): Reason[] {
  if (kind !== 'partition') return [];
  const type = tags['ID_PART_ENTRY_TYPE'];
  if (type === undefined) return [reason('FACTS_MISSING', 'the type of the partition is not known')];
  return when(!PLAIN_TYPES.includes(type), 'PARTITION_TYPE', `the partition has the type ${quote(type)}`);
}

/** The proof that a disk is free: each of these was asked and answered. */
export const isProvedEmpty = ({ content, head, tail, exclusive }: DiskSnapshot): boolean =>
  content.state === 'empty' && head.state === 'zero' && tail.state === 'zero' && exclusive.state === 'granted';
