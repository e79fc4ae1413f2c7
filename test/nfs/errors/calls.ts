import { type Attributes, packAttributes } from '../../../src/nfs/protocol/attributes.ts';
import type { Arguments } from '../../../src/nfs/protocol/operations.ts';
import type { Stateid } from '../../../src/nfs/protocol/types.ts';
import { ANONYMOUS } from '../client/files.ts';
import { op } from '../client/session.ts';

/** One that the session's client does not come to use. */
const FREE_SLOT = 31;
const none: Arguments<'CREATE'>['attributes'] = { mask: [], values: Buffer.alloc(0) };
export const unknownAttribute = { mask: [1 << 12], values: Buffer.alloc(4) };
export const wrongStateid: Stateid = { seqid: 1, other: Buffer.alloc(12, 9) };
export const whole = (1n << 64n) - 1n;
export const save = op('SAVEFH', {});
export const getfh = op('GETFH', {});
export const lookup = (name: string) => op('LOOKUP', { name });
export const read = (stateid: Stateid = ANONYMOUS) => op('READ', { stateid, offset: 0, count: 1 });
export const write = (stateid: Stateid = ANONYMOUS, offset = 0) =>
  op('WRITE', { stateid, offset, stable: 0, data: Buffer.from('x') });
export const commit = op('COMMIT', { offset: 0, count: 0 });
export const setattr = (values: Partial<Attributes>, stateid: Stateid = ANONYMOUS) =>
  op('SETATTR', { stateid, attributes: packAttributes(values) });
export const make = (name: string, object: Arguments<'CREATE'>['object'] = { type: 2 }, attributes = none) =>
  op('CREATE', { object, name, attributes });
export const sequence = (sessionId: Buffer, number: number, more: Partial<Arguments<'SEQUENCE'>> = {}) =>
  op('SEQUENCE', { sessionId, sequence: number, slot: FREE_SLOT, highestSlot: 31, cacheThis: false, ...more });
export const readdir = (more: Partial<Arguments<'READDIR'>> = {}) =>
  op('READDIR', { cookie: 0n, verifier: Buffer.alloc(8), directoryBytes: 0, maxBytes: 4096, mask: [], ...more });
export const close = (stateid: Stateid) => op('CLOSE', { seqid: 0, stateid });
export const downgrade = (stateid: Stateid, shareAccess = 3) =>
  op('OPEN_DOWNGRADE', { stateid, seqid: 0, shareAccess, shareDeny: 0 });
export const bind = (sessionId: Buffer, direction: number) =>
  op('BIND_CONN_TO_SESSION', { sessionId, direction, rdma: false });
export const lockCall = (clientId: bigint, openStateid: Stateid, more: Partial<Arguments<'LOCK'>> = {}) =>
  op('LOCK', {
    type: 2,
    reclaim: false,
    offset: 0n,
    length: 10n,
    owner: { isNew: 1, openSeqid: 0, openStateid, seqid: 0, owner: { clientId, owner: Buffer.from('locker') } },
    ...more,
  });
export const lockt = (clientId: bigint, length = 10n) =>
  op('LOCKT', { type: 2, offset: 0n, length, owner: { clientId, owner: Buffer.from('tester') } });
export const locku = (stateid: Stateid, length = 10n) =>
  op('LOCKU', { type: 2, seqid: 0, stateid, offset: 0n, length });
export const claimOpen = (clientId: bigint, claim: Arguments<'OPEN'>['claim']) =>
  op('OPEN', {
    seqid: 0,
    shareAccess: 3,
    shareDeny: 0,
    owner: { clientId, owner: Buffer.from('owner') },
    create: undefined,
    claim,
  });
