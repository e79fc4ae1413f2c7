import { statfsSync } from 'node:fs';
import { BerthError } from '../errors.ts';
import type { Ledger } from './ledger.ts';
import type { PoolFigures, PoolSpec } from './protocol.ts';

/** What the pool can still promise. All numbers are bytes. */
export interface Room {
  figures(): PoolFigures;
  availableBytes(): bigint;
  /** Throws POOL_NO_ROOM when `neededBytes` more cannot be promised. */
  require(neededBytes: bigint): void;
}

/** How long the file system's own numbers are used before they are asked for again. */
const STATFS_TTL_MS = 1_000;

/**
 * Counts promises, not use: every volume its full size, every snapshot what it may come to hold, the trash until it is
 * free. `shared` says that others write to the same file system, whose free space is then a bound as well.
 */
export function createRoom(path: string, spec: PoolSpec, ledger: Ledger, options: { shared: boolean }): Room {
  let known: { at: number; totalBytes: bigint; freeBytes: bigint } | undefined;

  const measure = () => {
    const now = Date.now();
    if (known === undefined || now - known.at > STATFS_TTL_MS) {
      const { bsize, blocks, bavail } = statfsSync(path, { bigint: true });
      known = { at: now, totalBytes: blocks * bsize, freeBytes: bavail * bsize };
    }
    return known;
  };
  const reserveOf = (totalBytes: bigint): bigint =>
    'bytes' in spec.reserve
      ? spec.reserve.bytes
      : (totalBytes * BigInt(Math.round(spec.reserve.percent * 1_000))) / 100_000n;
  const scale = (bytes: bigint): bigint => (bytes * BigInt(Math.round(spec.overcommit * 1_000))) / 1_000n;
  const atLeastZero = (bytes: bigint): bigint => (bytes > 0n ? bytes : 0n);

  const figures = (): PoolFigures => {
    const { totalBytes, freeBytes } = measure();
    const { chargedBytes, volumes, snapshots } = ledger.totals();
    const reserveBytes = reserveOf(totalBytes);
    const promised = atLeastZero(scale(atLeastZero(totalBytes - reserveBytes)) - chargedBytes);
    const physical = scale(atLeastZero(freeBytes - reserveBytes));
    return {
      totalBytes,
      freeBytes,
      reserveBytes,
      provisionedBytes: chargedBytes,
      availableBytes: options.shared && physical < promised ? physical : promised,
      volumes,
      snapshots,
    };
  };

  return {
    figures,
    availableBytes: () => figures().availableBytes,
    require(neededBytes) {
      const { availableBytes } = figures();
      if (neededBytes > availableBytes) {
        throw new BerthError('POOL_NO_ROOM', { class: spec.class, needed: neededBytes, free: availableBytes });
      }
    },
  };
}
