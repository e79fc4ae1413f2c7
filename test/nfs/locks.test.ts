import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findConflict, tryLockRange } from '../../src/host/record-lock.ts';
import type { Call } from '../../src/nfs/protocol/operations.ts';
import type { LockDenied } from '../../src/nfs/protocol/state.ts';
import { NFS4 } from '../../src/nfs/protocol/status.ts';
import type { Stateid } from '../../src/nfs/protocol/types.ts';
import { ANONYMOUS, type Files, type OpenFile, openCall, putfh } from './client/files.ts';
import { type NfsSession, op } from './client/session.ts';
import { type Harness, startHarness, statusOf } from './harness.ts';

const LEASE_MS = 30_000;
const ALL = (1n << 64n) - 1n;
let harness: Harness;
let alice: Files;
let bob: Files;
let root: Buffer;

beforeEach(async () => {
  harness = await startHarness({ leaseMs: LEASE_MS });
  alice = await harness.files();
  bob = await harness.files();
  root = await alice.root('data');
});
afterEach(async () => {
  const { complaints } = harness;
  await harness.close();
  expect(complaints).toEqual([]);
});

interface LockOptions {
  owner?: string;
  type?: 1 | 2 | 3 | 4;
  offset?: bigint;
  length?: bigint;
  reclaim?: boolean;
}

const newLock = (session: NfsSession, file: OpenFile, options: LockOptions = {}): Call => {
  const { owner = 'locker', type = 2, offset = 0n, length = 10n, reclaim = false } = options;
  return op('LOCK', {
    type,
    reclaim,
    offset,
    length,
    owner: {
      isNew: 1,
      openSeqid: 0,
      openStateid: file.stateid,
      seqid: 0,
      owner: { clientId: session.clientId, owner: Buffer.from(owner) },
    },
  });
};

const lock = async ({ session }: Files, file: OpenFile, options?: LockOptions): Promise<Stateid> =>
  (await session.compound([putfh(file.handle), newLock(session, file, options)])).of('LOCK').stateid;
const lockStatus = (files: Files, file: OpenFile, options?: LockOptions) => statusOf(lock(files, file, options));
const unlock = async ({ session }: Files, { handle }: OpenFile, stateid: Stateid, offset = 0n, length = ALL) =>
  (await session.compound([putfh(handle), op('LOCKU', { type: 2, seqid: 0, stateid, offset, length })])).of('LOCKU')
    .stateid;
const run = async (files: Files, ...calls: Call[]) => (await files.session.attempt(calls)).status;
const openStatus = (files: Files, name: string, options: Parameters<typeof openCall>[2]) =>
  run(files, putfh(root), openCall(files.session.clientId, name, options));

describe('share reservations', () => {
  it('keep others out, and not their owner', async () => {
    const file = await alice.open(root, 'file', { access: 1, deny: 2 });
    expect(await openStatus(bob, 'file', { access: 2 })).toBe(NFS4.ERR_SHARE_DENIED);
    expect(await openStatus(bob, 'file', { access: 1, deny: 1 })).toBe(NFS4.ERR_SHARE_DENIED);
    expect(await openStatus(bob, 'file', { access: 1 })).toBe(NFS4.OK);
    expect(await openStatus(alice, 'file', { access: 3, owner: 'other' })).toBe(NFS4.ERR_SHARE_DENIED);
    expect(await openStatus(alice, 'file', { access: 3 })).toBe(NFS4.OK);
    const write = op('WRITE', { stateid: ANONYMOUS, offset: 0, stable: 0, data: Buffer.from('x') });
    expect(await run(bob, putfh(file.handle), write)).toBe(NFS4.ERR_LOCKED);
    await alice.close(file);
    expect(await openStatus(bob, 'file', { access: 2 })).toBe(NFS4.OK);
  });

  it('are downgraded to what was opened', async () => {
    const file = await alice.open(root, 'file', { access: 1 });
    const both = await alice.open(root, 'file', { access: 3 });
    const down = (shareAccess: number, shareDeny = 0) =>
      op('OPEN_DOWNGRADE', { stateid: { ...both.stateid, seqid: 0 }, seqid: 0, shareAccess, shareDeny });
    expect(await run(alice, putfh(file.handle), down(2))).toBe(NFS4.ERR_INVAL);
    expect(await run(alice, putfh(file.handle), down(1))).toBe(NFS4.OK);
    const write = op('WRITE', { stateid: { ...both.stateid, seqid: 0 }, offset: 0, stable: 0, data: Buffer.from('x') });
    expect(await run(alice, putfh(file.handle), write)).toBe(NFS4.ERR_OPENMODE);
  });

  it('are refused in forms that there are not', async () => {
    for (const [access, deny] of [
      [0, 0],
      [1, 4],
      [8, 0],
    ] as const) {
      expect(await openStatus(alice, 'file', { access, deny })).toBe(NFS4.ERR_INVAL);
    }
  });
});

describe('stateids', () => {
  it('are told apart', async () => {
    const file = await alice.open(root, 'file');
    const again = await alice.open(root, 'file');
    const other = await alice.open(root, 'other');
    const read = (files: Files, handle: Buffer, stateid: Stateid) =>
      run(files, putfh(handle), op('READ', { stateid, offset: 0, count: 1 }));
    expect(again.stateid).toEqual({ ...file.stateid, seqid: 2 });
    expect(await read(alice, file.handle, file.stateid)).toBe(NFS4.ERR_OLD_STATEID);
    expect(await read(alice, file.handle, { ...file.stateid, seqid: 3 })).toBe(NFS4.ERR_BAD_STATEID);
    expect(await read(alice, file.handle, { ...file.stateid, seqid: 0 })).toBe(NFS4.OK);
    expect(await read(alice, file.handle, other.stateid)).toBe(NFS4.ERR_BAD_STATEID);
    expect(await read(bob, file.handle, again.stateid)).toBe(NFS4.ERR_BAD_STATEID);
    expect(await read(bob, file.handle, { seqid: 7, other: Buffer.alloc(12) })).toBe(NFS4.ERR_BAD_STATEID);
    expect(await read(bob, file.handle, ANONYMOUS)).toBe(NFS4.OK);
    expect(await read(bob, file.handle, { seqid: 0xffffffff, other: Buffer.alloc(12, 255) })).toBe(NFS4.OK);
    const tested = await alice.session.compound([
      op('TEST_STATEID', {
        stateids: [again.stateid, file.stateid, { seqid: 1, other: Buffer.alloc(12, 9) }, ANONYMOUS],
      }),
    ]);
    const { ERR_OLD_STATEID, ERR_BAD_STATEID } = NFS4;
    expect(tested.of('TEST_STATEID').statuses).toEqual([0, ERR_OLD_STATEID, ERR_BAD_STATEID, ERR_BAD_STATEID]);
    expect(await run(alice, op('FREE_STATEID', { stateid: again.stateid }))).toBe(NFS4.ERR_LOCKS_HELD);
    await alice.close(again);
    expect(await read(alice, file.handle, again.stateid)).toBe(NFS4.ERR_BAD_STATEID);
  });
});

describe('byte-range locks', () => {
  it('hold between owners, and tell who has them', async () => {
    const mine = await alice.open(root, 'file');
    const theirs = await bob.open(root, 'file');
    const held = await lock(alice, mine, { offset: 5n, length: 10n });
    const denied = await lock(bob, theirs, { offset: 0n, length: ALL }).catch((error) => error.result as LockDenied);
    expect(denied).toEqual({
      offset: 5n,
      length: 10n,
      type: 2,
      owner: { clientId: alice.session.clientId, owner: Buffer.from('locker') },
    });
    expect(await lockStatus(bob, theirs, { offset: 15n })).toBe(NFS4.OK);
    expect(await lockStatus(alice, mine, { owner: 'second', offset: 0n })).toBe(NFS4.ERR_DENIED);
    const half = await unlock(alice, mine, held, 5n, 5n);
    expect(await lockStatus(bob, theirs, { offset: 5n, length: 5n, type: 4 })).toBe(NFS4.OK);
    expect(await lockStatus(bob, theirs, { offset: 10n, length: 1n })).toBe(NFS4.ERR_DENIED);
    expect(await run(alice, putfh(mine.handle), op('CLOSE', { seqid: 0, stateid: mine.stateid }))).toBe(
      NFS4.ERR_LOCKS_HELD,
    );
    expect(await run(alice, op('FREE_STATEID', { stateid: half }))).toBe(NFS4.ERR_LOCKS_HELD);
    const none = await unlock(alice, mine, half);
    expect(await run(alice, op('FREE_STATEID', { stateid: none }))).toBe(NFS4.OK);
    await alice.close(mine);
  });

  it('for reading are shared', async () => {
    const mine = await alice.open(root, 'file');
    const theirs = await bob.open(root, 'file');
    const held = await lock(alice, mine, { type: 1 });
    const test = (type: 1 | 2) =>
      op('LOCKT', { type, offset: 0n, length: 1n, owner: { clientId: bob.session.clientId, owner: Buffer.from('b') } });
    expect(await run(bob, putfh(mine.handle), test(1))).toBe(NFS4.OK);
    expect(await run(bob, putfh(mine.handle), test(2))).toBe(NFS4.ERR_DENIED);
    expect(await lockStatus(bob, theirs, { type: 1 })).toBe(NFS4.OK);
    const upgrade = op('LOCK', {
      type: 2,
      reclaim: false,
      offset: 0n,
      length: 1n,
      owner: { isNew: 0, stateid: held, seqid: 0 },
    });
    expect(await run(alice, putfh(mine.handle), upgrade)).toBe(NFS4.ERR_DENIED);
  });

  it('are refused in forms that there are not', async () => {
    const reader = await alice.open(root, 'file', { access: 1 });
    expect(await lockStatus(alice, reader, { type: 2 })).toBe(NFS4.ERR_OPENMODE);
    expect(await lockStatus(alice, reader, { type: 1, length: 0n })).toBe(NFS4.ERR_INVAL);
    expect(await lockStatus(alice, reader, { type: 1, offset: ALL, length: 5n })).toBe(NFS4.ERR_INVAL);
    expect(await lockStatus(alice, reader, { type: 1, offset: 1n << 63n, length: ALL })).toBe(NFS4.OK);
    expect(await run(alice, putfh(root), newLock(alice.session, reader))).toBe(NFS4.ERR_ISDIR);
  });

  it('and those of local processes see each other', async () => {
    const file = await alice.open(root, 'file');
    const fd = openSync(join(harness.data, 'file'), 'r+');
    try {
      expect(tryLockRange(fd, 'write', { startBytes: 100n, lengthBytes: 10n })).toBe(true);
      const denied = await lock(alice, file, { offset: 0n, length: ALL }).catch((error) => error.result as LockDenied);
      expect(denied).toMatchObject({ offset: 100n, length: 10n, type: 2, owner: { clientId: 0n } });
      const held = await lock(alice, file, { offset: 0n, length: 50n });
      expect(tryLockRange(fd, 'read', { startBytes: 49n, lengthBytes: 1n })).toBe(false);
      expect(findConflict(fd, 'read', { startBytes: 0n, lengthBytes: 0n })).toEqual({
        kind: 'write',
        startBytes: 0n,
        lengthBytes: 50n,
      });
      await unlock(alice, file, held);
      expect(findConflict(fd, 'write', { startBytes: 0n, lengthBytes: 0n })).toBeUndefined();
    } finally {
      closeSync(fd);
    }
  });

  it('survive the removal of the file', async () => {
    const file = await alice.open(root, 'file');
    await alice.remove(root, 'file');
    const held = await lock(alice, file);
    await unlock(alice, file, held);
    await alice.close(file);
    expect(harness.server.counters().stateids).toBe(0);
  });
});

describe('leases', () => {
  it('that ran out give way to who comes, and not before', async () => {
    const mine = await alice.open(root, 'file');
    await lock(alice, mine);
    harness.advance(LEASE_MS + 1);
    const theirs = await bob.open(root, 'file');
    expect(await lockStatus(bob, theirs)).toBe(NFS4.OK);
    const { status } = await alice.session.attempt([putfh(mine.handle)]);
    expect(status).toBe(NFS4.ERR_BADSESSION);
  });

  it('that ran out do not matter while nobody comes', async () => {
    const mine = await alice.open(root, 'file');
    const held = await lock(alice, mine);
    harness.advance(LEASE_MS * 1.5);
    await unlock(alice, mine, held);
  });

  it('are renewed by any request', async () => {
    const mine = await alice.open(root, 'file');
    await lock(alice, mine);
    harness.advance(LEASE_MS * 0.8);
    await alice.getattr(root, 'type');
    harness.advance(LEASE_MS * 0.8);
    const theirs = await bob.open(root, 'file');
    expect(await lockStatus(bob, theirs)).toBe(NFS4.ERR_DENIED);
  });
});

describe('a restart', () => {
  const reopen = async (files: Files, handle: Buffer): Promise<OpenFile> => {
    const call = op('OPEN', {
      seqid: 0,
      shareAccess: 3,
      shareDeny: 0,
      owner: { clientId: files.session.clientId, owner: Buffer.from('owner') },
      create: undefined,
      claim: { claim: 1, delegation: 0 },
    });
    const answers = await files.session.compound([putfh(handle), call]);
    return { handle, stateid: answers.of('OPEN').stateid };
  };
  const complete = (files: Files) => files.session.compound([op('RECLAIM_COMPLETE', { oneFileSystem: false })]);
  const again = ({ session: { owner, verifier } }: Files) => harness.files({ owner, verifier, complete: false });

  it('lets clients take back what they had, and nobody else in before', async () => {
    const mine = await alice.open(root, 'file');
    await lock(alice, mine);
    await harness.restart();
    expect(harness.server.isInGrace).toBe(true);
    const stranger = await harness.files();
    const latest = await again(alice);
    const slow = await again(bob);
    expect(await statusOf(stranger.open(root, 'file'))).toBe(NFS4.ERR_GRACE);
    expect(await statusOf(reopen(stranger, mine.handle))).toBe(NFS4.ERR_NO_GRACE);
    expect(await statusOf(latest.open(root, 'file'))).toBe(NFS4.ERR_GRACE);
    const open = await reopen(latest, mine.handle);
    expect(await lockStatus(latest, open)).toBe(NFS4.ERR_GRACE);
    expect(await lockStatus(latest, open, { reclaim: true })).toBe(NFS4.OK);
    await complete(latest);
    expect(await statusOf(reopen(latest, mine.handle))).toBe(NFS4.ERR_NO_GRACE);
    expect(harness.server.isInGrace).toBe(true);
    await complete(slow);
    expect(harness.server.isInGrace).toBe(false);
    const theirs = await stranger.open(root, 'file');
    expect(await lockStatus(stranger, theirs)).toBe(NFS4.ERR_DENIED);
  });

  it('forgets who does not come back in time, for the next one too', async () => {
    await alice.open(root, 'file');
    await bob.session.end();
    await harness.restart({ graceMs: 50 });
    await expect.poll(() => harness.server.isInGrace).toBe(false);
    const latest = await again(alice);
    expect(await statusOf(reopen(latest, await latest.lookup(root, 'file')))).toBe(NFS4.ERR_NO_GRACE);
    await latest.session.end();
    await harness.restart();
    expect(harness.server.isInGrace).toBe(false);
  });

  it('recognises an exclusive create that was done before it', async () => {
    const create = (files: Files, verifier: Buffer) =>
      run(
        files,
        putfh(root),
        op('OPEN', {
          seqid: 0,
          shareAccess: 3,
          shareDeny: 0,
          owner: { clientId: files.session.clientId, owner: Buffer.from('owner') },
          create: { mode: 3, verifier, attributes: { mask: [], values: Buffer.alloc(0) } },
          claim: { claim: 0, name: 'exclusive' },
        }),
      );
    const verifier = Buffer.from('f123456789abcdef', 'hex');
    expect(await create(alice, verifier)).toBe(NFS4.OK);
    expect(await create(alice, verifier)).toBe(NFS4.OK);
    expect(await create(alice, Buffer.from('7123456789abcdef', 'hex'))).toBe(NFS4.ERR_EXIST);
    await harness.restart();
    const latest = await again(alice);
    await complete(latest);
    expect(harness.server.isInGrace).toBe(true);
    expect(await create(latest, verifier)).toBe(NFS4.OK);
    expect(await create(latest, Buffer.alloc(8, 1))).toBe(NFS4.ERR_GRACE);
  });
});
