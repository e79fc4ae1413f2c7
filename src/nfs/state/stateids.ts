import { fail, NFS4, type Status } from '../protocol/status.ts';
import type { Stateid } from '../protocol/types.ts';
import type { State } from './model.ts';

const OTHER_BYTES = 12;
const zeros = Buffer.alloc(OTHER_BYTES);
const ones = Buffer.alloc(OTHER_BYTES, 0xff);
const MAX_SEQID = 0xffff_ffff;

/** Stateids that are no state's, RFC 8881 8.2.3. */
export type SpecialStateid = 'anonymous' | 'bypass' | 'current' | 'invalid';

export function specialOf({ seqid, other }: Stateid): SpecialStateid | undefined {
  if (other.equals(zeros)) {
    if (seqid === 0) return 'anonymous';
    return seqid === 1 ? 'current' : 'invalid';
  }
  if (other.equals(ones)) return seqid === MAX_SEQID ? 'bypass' : 'invalid';
  return undefined;
}

export const anonymous: Stateid = { seqid: 0, other: zeros };

export const stateidOf = ({ key, seqid }: State): Stateid => ({ seqid, other: Buffer.from(key, 'latin1') });

/** Each change of a state has a new seqid; 0 is left out, since it means "whatever it is now". */
export function advance(state: State): Stateid {
  state.seqid = state.seqid === MAX_SEQID ? 1 : state.seqid + 1;
  return stateidOf(state);
}

export interface StateTable {
  /** A key for a new state: unlike any of this or an earlier run. */
  newKey(): string;
  add(state: State): void;
  remove(state: State): void;
  /** The state of a stateid, or the status that says why there is none; RFC 8881 8.2.4. */
  check(stateid: Stateid, clientId: bigint): State | Status;
  readonly size: number;
}

/** `run` tells this run of the server from others. */
export function createStateTable(run: Buffer): StateTable {
  const states = new Map<string, State>();
  let counter = 0;
  return {
    newKey() {
      const other = Buffer.alloc(OTHER_BYTES);
      run.copy(other, 0, 0, 8);
      counter += 1;
      other.writeUInt32BE(counter >>> 0, 8);
      return other.toString('latin1');
    },
    add: (state) => void states.set(state.key, state),
    remove: (state) => void states.delete(state.key),
    check({ seqid, other }, clientId) {
      const state = states.get(other.toString('latin1'));
      if (state === undefined || state.client.id !== clientId) return NFS4.ERR_BAD_STATEID;
      if (seqid === 0 || seqid === state.seqid) return state;
      return seqid > state.seqid ? NFS4.ERR_BAD_STATEID : NFS4.ERR_OLD_STATEID;
    },
    get size() {
      return states.size;
    },
  };
}

export const isState = (found: State | Status): found is State => typeof found === 'object';

export function demandState(found: State | Status): State {
  return isState(found) ? found : fail(found);
}
