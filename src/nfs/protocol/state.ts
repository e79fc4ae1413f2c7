import {
  array,
  bool,
  type Codec,
  choice,
  name,
  nothing,
  opaque,
  optional,
  struct,
  type TypeOf,
  u32,
  u64,
} from '../xdr/codec.ts';
import { operation } from './operation.ts';
import type { Bitmap, Fattr } from './types.ts';
import {
  bitmap,
  change,
  component,
  fattr,
  lockType,
  OPAQUE_BYTES,
  sessionId,
  stateid,
  stateOwner,
  time,
  verifier,
} from './types.ts';

const MAX_STATEIDS = 256;
const MAX_FLAVORS = 8;

/** openflag4 with createhow4, RFC 8881 18.16.1. */
const createHow = choice('mode', {
  0: struct({ attributes: fattr }),
  1: struct({ attributes: fattr }),
  2: struct({ verifier }),
  3: struct({ verifier, attributes: fattr }),
});
export type CreateHow =
  | { mode: 0 | 1; attributes: Fattr }
  | { mode: 2; verifier: Buffer }
  | { mode: 3; verifier: Buffer; attributes: Fattr };

const claim = choice('claim', {
  0: struct({ name: component }),
  1: struct({ delegation: u32 }),
  2: struct({ stateid, name: component }),
  3: struct({ name: component }),
  4: nothing,
  5: struct({ stateid }),
  6: nothing,
});

const noDelegation = choice('delegation', {
  0: nothing,
  3: choice('why', {
    0: nothing,
    1: struct({ willPush: bool }),
    2: struct({ willSignal: bool }),
    3: nothing,
    4: nothing,
    5: nothing,
    6: nothing,
    7: nothing,
    8: nothing,
  }),
});

const lockArguments = struct({
  type: lockType,
  reclaim: bool,
  offset: u64,
  length: u64,
  owner: choice('isNew', {
    0: struct({ stateid, seqid: u32 }),
    1: struct({ openSeqid: u32, openStateid: stateid, seqid: u32, owner: stateOwner }),
  }),
});
const lockDenied = struct({ offset: u64, length: u64, type: lockType, owner: stateOwner });
export type LockDenied = TypeOf<typeof lockDenied>;

const channel = struct({
  headerPadBytes: u32,
  maxRequestBytes: u32,
  maxResponseBytes: u32,
  maxCachedBytes: u32,
  maxOperations: u32,
  maxRequests: u32,
  rdmaInlineReadBytes: array(u32, 1),
});
export type Channel = TypeOf<typeof channel>;

/** callback_sec_parms4 of AUTH_NONE and AUTH_SYS; what is in it does not matter without a back channel. */
const callbackSecurity = choice('flavor', {
  0: nothing,
  1: struct({ stamp: u32, machine: name(255), uid: u32, gid: u32, groups: array(u32, 16) }),
});

const implementation = struct({ domain: name(OPAQUE_BYTES), name: name(OPAQUE_BYTES), date: time });

const protectOperations = struct({ mustEnforce: bitmap, mustAllow: bitmap });
const ssv = struct({
  operations: protectOperations,
  hashAlgorithms: array(opaque(OPAQUE_BYTES), MAX_FLAVORS),
  encryptionAlgorithms: array(opaque(OPAQUE_BYTES), MAX_FLAVORS),
  window: u32,
  handles: u32,
});
/** state_protect4_a; SP4_SSV is read so that it can be refused. */
const protection = choice('how', { 0: nothing, 1: struct({ operations: protectOperations }), 2: ssv });
const protectionResult: Codec<{ how: 0 } | { how: 1; operations: { mustEnforce: Bitmap; mustAllow: Bitmap } }> = choice(
  'how',
  { 0: nothing, 1: struct({ operations: protectOperations }) },
);

/** Operations on clients, sessions, opens and locks, RFC 8881 18. */
export const stateOperations = {
  BACKCHANNEL_CTL: operation(struct({ program: u32, security: array(callbackSecurity, MAX_FLAVORS) }), nothing),
  BIND_CONN_TO_SESSION: operation(
    struct({ sessionId, direction: u32, rdma: bool }),
    struct({ sessionId, direction: u32, rdma: bool }),
  ),
  CLOSE: operation(struct({ seqid: u32, stateid }), struct({ stateid })),
  CREATE_SESSION: operation(
    struct({
      clientId: u64,
      sequence: u32,
      flags: u32,
      fore: channel,
      back: channel,
      callbackProgram: u32,
      security: array(callbackSecurity, MAX_FLAVORS),
    }),
    struct({ sessionId, sequence: u32, flags: u32, fore: channel, back: channel }),
  ),
  DESTROY_CLIENTID: operation(struct({ clientId: u64 }), nothing),
  DESTROY_SESSION: operation(struct({ sessionId }), nothing),
  EXCHANGE_ID: operation(
    struct({
      verifier,
      owner: opaque(OPAQUE_BYTES),
      flags: u32,
      protection,
      implementation: array(implementation, 1),
    }),
    struct({
      clientId: u64,
      sequence: u32,
      flags: u32,
      protection: protectionResult,
      serverMinor: u64,
      serverMajor: opaque(OPAQUE_BYTES),
      scope: opaque(OPAQUE_BYTES),
      implementation: array(implementation, 1),
    }),
  ),
  FREE_STATEID: operation(struct({ stateid }), nothing),
  LOCK: operation(lockArguments, struct({ stateid }), { denied: lockDenied }),
  LOCKT: operation(struct({ type: lockType, offset: u64, length: u64, owner: stateOwner }), nothing, {
    denied: lockDenied,
  }),
  LOCKU: operation(struct({ type: lockType, seqid: u32, stateid, offset: u64, length: u64 }), struct({ stateid })),
  OPEN: operation(
    struct({
      seqid: u32,
      shareAccess: u32,
      shareDeny: u32,
      owner: stateOwner,
      create: optional(createHow),
      claim,
    }),
    struct({
      stateid,
      change: struct({ atomic: bool, before: change, after: change }),
      flags: u32,
      set: bitmap,
      delegation: noDelegation,
    }),
  ),
  OPEN_DOWNGRADE: operation(struct({ stateid, seqid: u32, shareAccess: u32, shareDeny: u32 }), struct({ stateid })),
  RECLAIM_COMPLETE: operation(struct({ oneFileSystem: bool }), nothing),
  SEQUENCE: operation(
    struct({ sessionId, sequence: u32, slot: u32, highestSlot: u32, cacheThis: bool }),
    struct({ sessionId, sequence: u32, slot: u32, highestSlot: u32, targetHighestSlot: u32, flags: u32 }),
  ),
  TEST_STATEID: operation(
    struct({ stateids: array(stateid, MAX_STATEIDS, 16) }),
    struct({ statuses: array(u32, MAX_STATEIDS) }),
  ),
};
