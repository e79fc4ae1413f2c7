import { digestOf } from './digest.ts';
import { contentReasons, isProvedEmpty } from './findings/content.ts';
import { ignoranceReasons } from './findings/ignorance.ts';
import { kindReasons } from './findings/kind.ts';
import { usageReasons } from './findings/usage.ts';
import { findDuplicates, type Identity, identitiesOf } from './identity.ts';
import { describeMachine, type Machine } from './machine.ts';
import type { Disk, DiskPolicy, PoolClaim, Reason, Verdict } from './model.ts';
import { labelOf, poolClaim } from './pool-label.ts';
import { reason } from './reasons.ts';
import { type DiskSnapshot, tagsOf } from './snapshot.ts';
import { mediaOf, transportOf } from './transport.ts';

/** Says what each disk is, with every reason (design §4). Pure: the same snapshots give the same answer. */
export function classifyDisks(snapshots: readonly DiskSnapshot[], policy: DiskPolicy): Disk[] {
  const machine = describeMachine(snapshots);
  const identities = new Map(
    snapshots.map((snapshot) => [snapshot, identitiesOf(snapshot, machine.parentOf(snapshot))] as const),
  );
  const duplicates = findDuplicates(identities);

  return snapshots.map((snapshot) => {
    const ids = identities.get(snapshot)!;
    const claim = claimOf(snapshot, policy);
    const reasons = [
      ...identityReasons(ids, duplicates.get(snapshot)),
      ...usageReasons(snapshot, machine),
      ...contentReasons(snapshot, claim, policy),
      ...kindReasons(snapshot, machine, policy),
      ...ignoranceReasons(snapshot, machine),
    ];
    const verdict = judge(reasons, isProvedEmpty(snapshot));
    if (verdict === 'free') reasons.push(reason('EMPTY', 'empty, unused, and readable in every respect'));
    if (verdict === 'unknown' && reasons.every(({ effect }) => effect === 'note')) {
      reasons.push(reason('CONTENT_UNKNOWN', 'it was not read'));
    }
    return describe(snapshot, machine, { ids, reasons, verdict, claim });
  });
}

/**
 * A pool of this node is ours whatever else speaks about the disk, being mounted above all; only a second disk of the
 * same identity takes that away. A disk is free by proof, never for want of a reason against it.
 */
function judge(reasons: readonly Reason[], provedEmpty: boolean): Verdict {
  const has = (code: Reason['code']): boolean => reasons.some((one) => one.code === code);
  if (has('POOL_OF_THIS_NODE') && !has('IDENTITY_DUPLICATE')) return 'ours';
  if (reasons.some(({ effect }) => effect === 'used')) return 'used';
  if (reasons.some(({ effect }) => effect === 'unknown') || !provedEmpty) return 'unknown';
  return 'free';
}

/** A pool that is known by its UUID is known whatever its label says by now. */
function claimOf({ content }: DiskSnapshot, { knownPools }: DiskPolicy): PoolClaim | undefined {
  const { ID_FS_UUID: uuid, ID_FS_TYPE: type } = tagsOf(content);
  const known = uuid !== undefined && (type === 'btrfs' || type === 'xfs') ? knownPools.get(uuid) : undefined;
  return known === undefined ? poolClaim(content) : { uuid: uuid!, name: known };
}

function identityReasons(
  [first]: readonly Identity[],
  duplicate: { id: string; others: string[] } | undefined,
): Reason[] {
  const reasons: Reason[] = [];
  if (duplicate !== undefined) {
    reasons.push(
      reason('IDENTITY_DUPLICATE', `has the identity ${duplicate.id}, as has ${duplicate.others.join(', ')}`),
    );
  }
  if (first!.strength === 'weak') {
    reasons.push(reason('IDENTITY_WEAK', 'known only by a number that can be set, or by where it is plugged in'));
  }
  if (first!.strength === 'none') {
    reasons.push(reason('IDENTITY_MISSING', 'nothing tells it from another disk but the name that the kernel gave it'));
  }
  return reasons;
}

function describe(
  snapshot: DiskSnapshot,
  machine: Machine,
  found: { ids: readonly Identity[]; reasons: Reason[]; verdict: Verdict; claim: PoolClaim | undefined },
): Disk {
  const parent = machine.parentOf(snapshot);
  return {
    id: found.ids[0]!.id,
    identities: found.ids.map(({ id }) => id),
    verdict: found.verdict,
    reasons: found.reasons,
    digest: digestOf(snapshot),
    path: snapshot.path,
    kernelName: snapshot.name,
    sizeBytes: snapshot.sizeBytes,
    model: snapshot.model ?? parent?.model,
    vendor: snapshot.vendor ?? parent?.vendor,
    serial: snapshot.serial ?? parent?.serial,
    wwn: snapshot.wwn ?? parent?.wwn,
    media: mediaOf(snapshot, parent),
    transport: transportOf(snapshot),
    byId: snapshot.links.filter((link) => link.startsWith('disk/by-id/')).map((link) => link.slice(11)),
    partitions: [...snapshot.partitions],
    fsType: tagsOf(snapshot.content)['ID_FS_TYPE'] ?? snapshot.udev['ID_FS_TYPE'],
    label: labelOf(snapshot.content),
    mounts: [...snapshot.mounts],
    pool: found.claim,
    snapshot,
  };
}
