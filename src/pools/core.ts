import { randomUUIDv7 } from 'node:crypto';
import { BerthError } from '../errors.ts';
import { type Mount, readMounts } from '../host/mountinfo.ts';
import type { Job } from '../volumes/model.ts';
import type { BackendDriver, Place } from './backend.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Unlimited } from './io-limits.ts';
import { entryName, type Folder, homeOf, type Layout } from './layout.ts';
import type { Ledger, ObjectRow } from './ledger.ts';
import type { PoolSpec } from './protocol.ts';
import type { Room } from './room.ts';
import type { Step, StepName } from './steps.ts';

export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Record<string, unknown>,
) => void;

/** Everything that an operation on a pool works with; lives on the pool's thread. */
export interface PoolCore extends GroupCommit {
  id: string;
  spec: PoolSpec;
  ledger: Ledger;
  backend: BackendDriver;
  layout: Layout;
  room: Room;
  step: Step;
  log: Log;
  now(): number;
  newUuid(): string;
  /** Jobs that run or ended lately, by object uuid. */
  jobs: Map<string, RunningJob>;
  /** Objects that an operation has in hand, with its name. */
  busy: Map<string, string>;
  /** Volumes that are used without the I/O limits that they have, by uuid. */
  unlimited: Map<string, Unlimited>;
}

export interface RunningJob extends Job {
  abort: AbortController;
  cancellable: boolean;
}

/** Rises with time, so that the rows of objects made together lie together in the ledger. */
export const newUuid = (): string => randomUUIDv7();

/** Where an object is: its own folder while it is ready. */
export function placeOf(core: PoolCore, row: ObjectRow, folder: Folder = homeOf(row.kind)): Place {
  return core.layout.place(folder, entryName(row, suffixOf(core, row)));
}

const suffixOf = (core: PoolCore, _row: ObjectRow): string => core.backend.suffix;

export const fullId = (core: PoolCore, uuid: string): string => `${core.id}.${uuid}`;

/** The ready object, or the catalogue's error for one that is not there. */
export function findObject(core: PoolCore, kind: ObjectRow['kind'], uuid: string): ObjectRow {
  const row = core.ledger.object(uuid);
  if (row?.kind !== kind || row.state !== 'ready') {
    throw new BerthError(kind === 'volume' ? 'VOLUME_NOT_FOUND' : 'SNAPSHOT_NOT_FOUND', { id: fullId(core, uuid) });
  }
  return row;
}

/** Holds objects for an operation; another one on any of them meanwhile is answered with OPERATION_PENDING. */
export async function holding<T>(
  core: PoolCore,
  operation: string,
  uuids: readonly string[],
  act: () => Promise<T>,
): Promise<T> {
  for (const uuid of uuids) {
    const other = core.busy.get(uuid);
    if (other !== undefined) {
      throw new BerthError('OPERATION_PENDING', { subject: fullId(core, uuid), operation: other });
    }
  }
  for (const uuid of uuids) core.busy.set(uuid, operation);
  try {
    return await act();
  } finally {
    for (const uuid of uuids) core.busy.delete(uuid);
  }
}

/** A ledger write as a step of its own, done when it is safe from SIGKILL. */
export const writeStep = (core: PoolCore, name: StepName, write: () => void): Promise<void> =>
  core.step(name, () => {
    write();
    return core.written();
  });

/** A ledger write as a step of its own, done when it and all before it are safe from power loss. */
export const commitStep = (core: PoolCore, name: StepName, write: () => void): Promise<void> =>
  core.step(name, () => {
    write();
    return core.durable();
  });

/**
 * Destructive steps go through here: what is on the disk must be what the ledger means (design §2.6). Returns false
 * when nothing is there.
 */
export function verifyToken(core: PoolCore, row: ObjectRow, place: Place): boolean {
  const found = core.backend.identify(place);
  if (found === undefined) return false;
  if (row.identity !== undefined && found !== row.identity) {
    throw new BerthError('TOKEN_MISMATCH', { id: fullId(core, row.uuid), found, expected: row.identity });
  }
  return true;
}

/** The mounts of the volume that this process sees, and the block device that it is attached to. */
export function mountsOf(
  core: PoolCore,
  row: ObjectRow,
  all = readMounts(),
): { mounts: Mount[]; device: string | undefined } {
  const place = placeOf(core, row);
  const device = core.backend.attachedDevice?.(place, row);
  return { mounts: core.backend.mountsOf(place, row, all, device), device };
}
