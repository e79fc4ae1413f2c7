import { readFileSync } from 'node:fs';
import {
  filesystemUuid,
  limitQgroup,
  listLimits,
  qgroupUsage,
  quotaStatus,
  rescanQuota,
  subvolumeExists,
  subvolumeInfo,
  subvolumesFrom,
} from '../../host/btrfs.ts';
import type { HealthProblem } from '../../volumes/model.ts';
import type { Guard, GuardedLedger } from '../backend.ts';
import type { ObjectRow } from '../ledger.ts';

/** Numbers below are the file system's own trees. */
const FIRST_SUBVOLUME = 256n;
/** Old subvolumes that are looked at again at each turn, so that one whose number was given out late is found, too. */
const SEEN_AGAIN = 256;
/** Rows that are in memory at a time. */
const PAGE = 500;

/**
 * Anybody may make a subvolume inside a directory that he may write to, and the kernel gives it a quota group of its own
 * without a limit. The guard finds such nested subvolumes, lets them grow no further, and takes what they hold off the
 * limit of the volume that they are in. It also sees to it that quotas are on, exact, and as the ledger says.
 */
export function createBtrfsGuard(rootFd: number): Guard & { limitOf(row: ObjectRow, sizeBytes: bigint): bigint } {
  const reservedBytes = readReserved(filesystemUuid(rootFd));
  const top = subvolumeInfo(rootFd).id;
  /** The volume that each nested subvolume is in, by their numbers. */
  const nested = new Map<bigint, bigint>();
  const heldBytes = new Map<bigint, bigint>();
  let nextNew = FIRST_SUBVOLUME;
  let nextOld = FIRST_SUBVOLUME;
  let doubt: string | undefined;

  const limitOf = (row: ObjectRow, sizeBytes: bigint): bigint => {
    const left = sizeBytes - (heldBytes.get(row.number!) ?? 0n);
    return left > 0n ? left : 0n;
  };

  function* unseen(): Generator<{ id: bigint; parent: bigint }> {
    for (const one of subvolumesFrom(rootFd, nextNew)) {
      nextNew = one.id + 1n;
      yield one;
    }
    let left = SEEN_AGAIN;
    for (const one of subvolumesFrom(rootFd, nextOld)) {
      nextOld = one.id + 1n;
      yield one;
      if (--left === 0) return;
    }
    nextOld = FIRST_SUBVOLUME;
  }

  const volumeHolding = (parent: bigint, ledger: GuardedLedger): bigint | undefined => {
    if (parent === top) return undefined;
    const known = nested.get(parent) ?? ledger.volumeByNumber(parent)?.number;
    if (known !== undefined) return known;
    const above = parentOf(parent);
    return above === undefined ? undefined : volumeHolding(above, ledger);
  };

  const parentOf = (number: bigint): bigint | undefined => {
    for (const { id, parent } of subvolumesFrom(rootFd, number)) return id === number ? parent : undefined;
    return undefined;
  };

  const findNested = (ledger: GuardedLedger): string[] => {
    const findings: string[] = [];
    for (const { id, parent } of unseen()) {
      if (parent === top || nested.has(id)) continue;
      const volume = volumeHolding(parent, ledger);
      if (volume === undefined) continue;
      nested.set(id, volume);
      limitQgroup(rootFd, id, qgroupUsage(rootFd, id)?.referencedBytes ?? 0n);
      findings.push(
        `subvolume ${id} was made inside volume ${ledger.volumeByNumber(volume)?.uuid}; it grows no further`,
      );
    }
    return findings;
  };

  const limitHolders = (ledger: GuardedLedger): void => {
    const sums = new Map<bigint, bigint>();
    for (const [id, volume] of nested) {
      if (!subvolumeExists(rootFd, id)) nested.delete(id);
      else {
        const bytes = (qgroupUsage(rootFd, id)?.referencedBytes ?? 0n) + reservedBytes(id);
        sums.set(volume, (sums.get(volume) ?? 0n) + bytes);
      }
    }
    for (const volume of new Set([...heldBytes.keys(), ...sums.keys()])) {
      const sum = sums.get(volume);
      if (sum === heldBytes.get(volume)) continue;
      if (sum === undefined) heldBytes.delete(volume);
      else heldBytes.set(volume, sum);
      const row = ledger.volumeByNumber(volume);
      if (row !== undefined) limitQgroup(rootFd, volume, limitOf(row, row.sizeBytes));
    }
  };

  const checkCounts = (): string[] => {
    const status = quotaStatus(rootFd);
    const before = doubt;
    if (status?.consistent) doubt = undefined;
    else if (status === undefined) doubt = 'somebody has turned the quotas off: no volume has a limit';
    else {
      doubt = 'the kernel has lost count of what volumes use and counts anew: limits are not exact until it is through';
      rescanQuota(rootFd);
    }
    return doubt === undefined || doubt === before ? [] : [doubt];
  };

  return {
    limitOf,
    start(ledger) {
      const limits = listLimits(rootFd);
      for (let after: string | undefined = ''; after !== undefined; ) {
        const page = ledger.listObjects({ kind: 'volume', after, limit: PAGE });
        for (const { number, sizeBytes } of page) {
          if (limits.get(number!) !== sizeBytes) limitQgroup(rootFd, number!, sizeBytes);
        }
        after = page.length < PAGE ? undefined : page.at(-1)!.uuid;
      }
    },
    look(ledger) {
      const findings = [...findNested(ledger), ...checkCounts()];
      limitHolders(ledger);
      return findings;
    },
    problems(row): HealthProblem[] {
      const bytes = heldBytes.get(row.number!);
      return [
        ...(bytes === undefined
          ? []
          : [problem('NestedSubvolume', `subvolumes inside the volume hold ${bytes} bytes of it and cannot grow`)]),
        ...(doubt === undefined ? [] : [problem('LimitsUncertain', doubt)]),
      ];
    },
  };
}

const problem = (reason: string, message: string): HealthProblem => ({ status: 'DEGRADED', reason, message });

/** What is promised to writes that no commit has counted yet. Where sysfs cannot be read it is seen at the next commit. */
const readReserved =
  (uuid: string) =>
  (id: bigint): bigint => {
    try {
      return BigInt(readFileSync(`/sys/fs/btrfs/${uuid}/qgroups/0_${id}/rsv_data`, 'utf8').trim());
    } catch {
      return 0n;
    }
  };
