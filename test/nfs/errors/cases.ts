import { bitmapOf, packAttributes, readableMask } from '../../../src/nfs/protocol/attributes.ts';
import type { Call, KnownOperation } from '../../../src/nfs/protocol/operations.ts';
import type { Stateid } from '../../../src/nfs/protocol/types.ts';
import { ANONYMOUS, filesOf, openCall, putfh } from '../client/files.ts';
import { createSession, demandOk, exchangeId, op, sendCompound } from '../client/session.ts';
import {
  bind,
  claimOpen,
  close,
  commit,
  downgrade,
  getfh,
  lockCall,
  lockt,
  locku,
  lookup,
  make,
  read,
  readdir,
  save,
  sequence,
  setattr,
  unknownAttribute,
  write,
  wrongStateid,
} from './calls.ts';
import { type Case, type Cases, held, newClient, old, reclaim, reclaimLock, restarted, type World } from './world.ts';

/** That a name which is none is refused; `before` leads to where it is. */
const badNames = (named: (name: string) => Call, before: (w: World) => Call[] = (w) => [putfh(w.root)]): Cases => {
  const attempt =
    (name: string): Case =>
    (w) =>
      w.run(...before(w), named(name));
  return {
    BADCHAR: attempt('a/b'),
    BADNAME: attempt('..'),
    INVAL: attempt(''),
    NAMETOOLONG: attempt('x'.repeat(256)),
  };
};
const wrongTypes = (call: Call): Cases => ({
  ISDIR: (w) => w.run(putfh(w.root), call),
  SYMLINK: (w) => w.run(putfh(w.link), call),
  WRONG_TYPE: (w) => w.run(putfh(w.fifo), call),
});
/** A stateid that is of no state, and one that has changed since. */
const wrongStateids = (call: (stateid: Stateid) => Call, before: (w: World) => Promise<Stateid> = old): Cases => ({
  BAD_STATEID: (w) => w.run(putfh(w.file), call(wrongStateid)),
  OLD_STATEID: async (w) => w.run(putfh(w.file), call(await before(w))),
});
/** Somebody comes to a directory that is not theirs. */
const asUser =
  (call: (w: World) => Call): Case =>
  (w) =>
    w.asUser(putfh(w.directory), call(w));

/** An open of its own, which nobody else may use. */
const deny = (w: World, shareDeny: number) => filesOf(w.session).open(w.root, 'denied', { deny: shareDeny });
const on =
  (name: string, ...calls: Call[]): Case =>
  (w) =>
    w.run(putfh(w.root), lookup(name), ...calls);
const rename = (oldName: string, newName: string) => op('RENAME', { oldName, newName });
const create =
  (name: string, options: Parameters<typeof openCall>[2] = {}): Case =>
  (w) =>
    w.run(putfh(w.root), openCall(w.clientId, name, options));
const inRoot =
  (call: Call): Case =>
  (w) =>
    w.run(putfh(w.root), call);
const inPseudo =
  (call: Call): Case =>
  (w) =>
    w.run(putfh(w.pseudo), call);
const underFile =
  (call: Call): Case =>
  (w) =>
    w.run(putfh(w.file), call);

export const cases: Record<KnownOperation, Cases> = {
  ACCESS: {},
  BACKCHANNEL_CTL: {},
  BIND_CONN_TO_SESSION: {
    BADSESSION: (w) => w.alone(bind(Buffer.alloc(16), 3)),
    INVAL: (w) => w.alone(bind(w.session.sessionId, 2)),
  },
  CLOSE: {
    ...wrongStateids(close),
    LOCKS_HELD: async (w) => {
      await held(w);
      return w.run(putfh(w.file), close(w.stateid));
    },
  },
  COMMIT: wrongTypes(commit),
  CREATE: {
    ...badNames((name) => make(name)),
    ACCESS: asUser(() => make('new')),
    ATTRNOTSUPP: inRoot(make('new', { type: 2 }, unknownAttribute)),
    BADOWNER: inRoot(make('new', { type: 2 }, packAttributes({ owner: Buffer.from('alice@example') }))),
    BADTYPE: inRoot(make('new', { type: 1 })),
    EXIST: inRoot(make('file')),
    NOTDIR: on('link', make('new')),
    PERM: (w) => w.asUser(putfh(w.root), make('new', { type: 4, major: 1, minor: 3 })),
    ROFS: inPseudo(make('new')),
  },
  CREATE_SESSION: {
    CLID_INUSE: async (w) =>
      sendCompound(w.session.transport, [createSession(...(await newClient(w)))], { uid: 5, gid: 5 }),
    INVAL: async (w) => {
      const call = createSession(...(await newClient(w)));
      return w.alone({ ...call, arguments: { ...call.arguments, flags: 8 } } as Call);
    },
    NOSPC: async (w) => {
      const [clientId, sequence] = await newClient(w);
      for (let i = 0; i < 16; i++) demandOk(await w.alone(createSession(clientId, sequence + i)));
      return w.alone(createSession(clientId, sequence + 16));
    },
    SEQ_MISORDERED: async (w) => {
      const [clientId, sequence] = await newClient(w);
      return w.alone(createSession(clientId, sequence + 1));
    },
    STALE_CLIENTID: (w) => w.alone(createSession(1n, 1)),
    TOOSMALL: async (w) => w.alone(createSession(...(await newClient(w)), { maxResponseBytes: 100 })),
  },
  DESTROY_CLIENTID: {
    CLIENTID_BUSY: (w) => w.alone(op('DESTROY_CLIENTID', { clientId: w.clientId })),
    STALE_CLIENTID: (w) => w.alone(op('DESTROY_CLIENTID', { clientId: 1n })),
  },
  DESTROY_SESSION: { BADSESSION: (w) => w.alone(op('DESTROY_SESSION', { sessionId: Buffer.alloc(16) })) },
  EXCHANGE_ID: {
    CLID_INUSE: (w) => {
      const { owner, verifier, transport } = w.session;
      return sendCompound(transport, [exchangeId(owner, verifier)], { uid: 5, gid: 5 });
    },
    ENCR_ALG_UNSUPP: (w) => {
      const call = exchangeId('ssv', Buffer.alloc(8));
      const operations = { mustEnforce: [], mustAllow: [] };
      const protection = { how: 2, operations, hashAlgorithms: [], encryptionAlgorithms: [], window: 1, handles: 1 };
      return w.alone({ ...call, arguments: { ...call.arguments, protection } } as Call);
    },
    INVAL: (w) => w.alone(exchangeId('a', Buffer.alloc(8), 0x10)),
    NOENT: (w) => w.alone(exchangeId('nobody', Buffer.alloc(8), 0x40000000)),
    NOT_SAME: (w) => w.alone(exchangeId(w.session.owner, Buffer.alloc(8, 7), 0x40000000)),
    PERM: (w) => {
      const { owner, verifier, transport } = w.session;
      return sendCompound(transport, [exchangeId(owner, verifier, 0x40000000)], { uid: 5, gid: 5 });
    },
  },
  FREE_STATEID: {
    ...wrongStateids((stateid) => op('FREE_STATEID', { stateid })),
    LOCKS_HELD: async (w) => w.run(op('FREE_STATEID', { stateid: await held(w) })),
  },
  GETATTR: { INVAL: inRoot(op('GETATTR', { mask: bitmapOf(['time_access_set']) })) },
  GETFH: {},
  LINK: {
    ...badNames(
      (name) => op('LINK', { name }),
      (w) => [putfh(w.file), save, putfh(w.root)],
    ),
    ACCESS: (w) => w.asUser(putfh(w.file), save, putfh(w.directory), op('LINK', { name: 'new' })),
    EXIST: (w) => w.run(putfh(w.file), save, putfh(w.root), op('LINK', { name: 'link' })),
    ISDIR: (w) => w.run(putfh(w.directory), save, putfh(w.root), op('LINK', { name: 'new' })),
    NOTDIR: (w) => w.run(putfh(w.file), save, op('LINK', { name: 'new' })),
    ROFS: (w) => w.run(putfh(w.file), save, putfh(w.pseudo), op('LINK', { name: 'new' })),
    SYMLINK: (w) => w.run(putfh(w.file), save, putfh(w.link), op('LINK', { name: 'new' })),
    XDEV: (w) => w.run(putfh(w.file), save, op('PUTROOTFH', {}), lookup('other'), op('LINK', { name: 'new' })),
  },
  LOCK: {
    ...wrongTypes(lockCall(0n, wrongStateid)),
    BAD_STATEID: (w) => w.run(putfh(w.file), lockCall(w.clientId, wrongStateid)),
    OLD_STATEID: async (w) => w.run(putfh(w.file), lockCall(w.clientId, await old(w))),
    DENIED: async (w) => {
      await held(w);
      const other = await w.harness.files();
      const { stateid } = await other.open(w.root, 'file');
      return other.session.attempt([putfh(w.file), lockCall(other.session.clientId, stateid)]);
    },
    GRACE: async (w) => {
      const [alice] = await restarted(w);
      const stateid = await reclaim(w, alice);
      return alice.attempt([putfh(w.file), lockCall(alice.clientId, stateid)]);
    },
    INVAL: (w) => w.run(putfh(w.file), lockCall(w.clientId, w.stateid, { length: 0n })),
    NO_GRACE: (w) => w.run(putfh(w.file), lockCall(w.clientId, w.stateid, { reclaim: true })),
    OPENMODE: async (w) => {
      const { stateid } = await filesOf(w.session).open(w.root, 'file', { access: 1, owner: 'reader' });
      return w.run(putfh(w.file), lockCall(w.clientId, stateid));
    },
    RECLAIM_CONFLICT: async (w) => {
      const [alice, bob] = await restarted(w);
      demandOk(await reclaimLock(w, alice));
      return reclaimLock(w, bob);
    },
  },
  LOCKT: {
    ...wrongTypes(lockt(0n)),
    DENIED: async (w) => {
      await held(w);
      return w.run(putfh(w.file), lockt(w.clientId));
    },
    GRACE: async (w) => {
      const [alice] = await restarted(w);
      return alice.attempt([putfh(w.file), lockt(alice.clientId)]);
    },
    INVAL: (w) => w.run(putfh(w.file), lockt(w.clientId, 0n)),
  },
  LOCKU: {
    ...wrongStateids(locku, async (w) => {
      const stateid = await held(w);
      await w.session.compound([putfh(w.file), locku(stateid)]);
      return stateid;
    }),
    INVAL: (w) => w.run(putfh(w.file), locku(w.stateid, 0n)),
  },
  LOOKUP: {
    ...badNames(lookup),
    ACCESS: asUser(() => lookup('any')),
    NOENT: inRoot(lookup('missing')),
    NOTDIR: underFile(lookup('any')),
    SYMLINK: on('link', lookup('any')),
  },
  LOOKUPP: {
    ACCESS: asUser(() => op('LOOKUPP', {})),
    NOENT: inPseudo(op('LOOKUPP', {})),
    NOTDIR: underFile(op('LOOKUPP', {})),
    SYMLINK: on('link', op('LOOKUPP', {})),
  },
  NVERIFY: {
    ATTRNOTSUPP: inRoot(op('NVERIFY', { attributes: unknownAttribute })),
    INVAL: inRoot(op('NVERIFY', { attributes: packAttributes({ time_access_set: { how: 0 } }) })),
    SAME: inRoot(op('NVERIFY', { attributes: packAttributes({ type: 2 }) })),
  },
  OPEN: {
    ...badNames((name) => openCall(0n, name)),
    ACCESS: asUser((w) => openCall(w.clientId, 'new')),
    ATTRNOTSUPP: async (w) => {
      const call = openCall(w.clientId, 'new');
      const create = { mode: 0, attributes: unknownAttribute };
      return w.run(putfh(w.root), { ...call, arguments: { ...call.arguments, create } } as Call);
    },
    BADOWNER: create('new', { attributes: { owner: Buffer.from('alice@example') } }),
    BAD_STATEID: (w) => w.run(putfh(w.root), claimOpen(w.clientId, { claim: 2, stateid: w.stateid, name: 'file' })),
    EXIST: create('file', { create: 'guarded' }),
    FBIG: create('new', { attributes: { size: 2 ** 60 } }),
    GRACE: async (w) => {
      const [alice] = await restarted(w);
      return alice.attempt([putfh(w.root), openCall(alice.clientId, 'file')]);
    },
    ISDIR: create('directory', { create: 'no' }),
    NOENT: create('missing', { create: 'no' }),
    NOTDIR: (w) => w.run(putfh(w.file), openCall(w.clientId, 'new')),
    NOTSUPP: (w) => w.run(putfh(w.root), claimOpen(w.clientId, { claim: 3, name: 'file' })),
    NO_GRACE: (w) => w.run(putfh(w.file), claimOpen(w.clientId, { claim: 1, delegation: 0 })),
    PERM: (w) => w.asUser(putfh(w.root), openCall(w.clientId, 'new', { attributes: { owner: Buffer.from('77') } })),
    RECLAIM_BAD: async (w) => {
      const [alice] = await restarted(w);
      return alice.attempt([putfh(w.file), claimOpen(alice.clientId, { claim: 1, delegation: 1 })]);
    },
    ROFS: (w) => w.run(putfh(w.pseudo), openCall(w.clientId, 'new')),
    SHARE_DENIED: async (w) => {
      await deny(w, 1);
      return w.run(putfh(w.root), openCall(w.clientId, 'denied', { owner: 'other' }));
    },
    SYMLINK: create('link', { create: 'no' }),
    WRONG_TYPE: create('fifo', { create: 'no' }),
  },
  OPEN_DOWNGRADE: {
    ...wrongStateids(downgrade),
    INVAL: (w) => w.run(putfh(w.file), downgrade(w.stateid, 1)),
  },
  PUTFH: {
    ACCESS: async (w) => {
      const other = await w.harness.open();
      await w.finish();
      await w.session.end();
      if (!w.harness.server.useLocally('data')) throw new Error('a client is taken for one of its users');
      return other.attempt([putfh(w.root)]);
    },
    BADHANDLE: (w) => w.run(putfh(Buffer.alloc(5))),
    STALE: (w) => w.run(putfh(Buffer.concat([w.root.subarray(0, 17), Buffer.alloc(16, 9)]))),
  },
  PUTPUBFH: {},
  PUTROOTFH: {},
  READ: {
    ...wrongTypes(read()),
    ...wrongStateids(read),
    ACCESS: (w) => w.asUser(putfh(w.file), read()),
    LOCKED: async (w) => w.run(putfh((await deny(w, 1)).handle), read()),
  },
  READDIR: {
    ACCESS: asUser(() => readdir()),
    BAD_COOKIE: inRoot(readdir({ cookie: 1n })),
    INVAL: inRoot(readdir({ mask: bitmapOf(['time_access_set']) })),
    NOTDIR: underFile(readdir()),
    NOT_SAME: inRoot(readdir({ cookie: 5n, verifier: Buffer.alloc(8, 1) })),
    TOOSMALL: inRoot(readdir({ maxBytes: 30 })),
  },
  READLINK: { WRONG_TYPE: underFile(op('READLINK', {})) },
  RECLAIM_COMPLETE: { COMPLETE_ALREADY: (w) => w.run(op('RECLAIM_COMPLETE', { oneFileSystem: false })) },
  REMOVE: {
    ...badNames((name) => op('REMOVE', { name })),
    ACCESS: asUser(() => op('REMOVE', { name: 'any' })),
    NOENT: inRoot(op('REMOVE', { name: 'missing' })),
    NOTDIR: on('link', op('REMOVE', { name: 'any' })),
    NOTEMPTY: async (w) => {
      await filesOf(w.session).mkdir(w.directory, 'inside');
      return w.run(putfh(w.root), op('REMOVE', { name: 'directory' }));
    },
    ROFS: inPseudo(op('REMOVE', { name: 'data' })),
  },
  RENAME: {
    ...badNames(
      (name) => rename('file', name),
      (w) => [putfh(w.root), save],
    ),
    ACCESS: (w) => w.asUser(putfh(w.directory), save, putfh(w.root), rename('any', 'new')),
    EXIST: (w) => w.run(putfh(w.root), save, rename('file', 'directory')),
    NOENT: (w) => w.run(putfh(w.root), save, rename('missing', 'new')),
    NOTDIR: (w) => w.run(putfh(w.root), save, putfh(w.link), rename('file', 'new')),
    NOTEMPTY: async (w) => {
      await filesOf(w.session).mkdir(w.directory, 'inside');
      await filesOf(w.session).mkdir(w.root, 'empty');
      return w.run(putfh(w.root), save, rename('empty', 'directory'));
    },
    ROFS: (w) => w.run(putfh(w.root), save, putfh(w.pseudo), rename('file', 'new')),
    XDEV: (w) => w.run(op('PUTROOTFH', {}), lookup('other'), save, putfh(w.root), rename('file', 'new')),
  },
  RESTOREFH: {},
  SAVEFH: {},
  SECINFO: {
    ...badNames((name) => op('SECINFO', { name })),
    ACCESS: asUser(() => op('SECINFO', { name: 'any' })),
    NOENT: inRoot(op('SECINFO', { name: 'missing' })),
    NOTDIR: on('link', op('SECINFO', { name: 'any' })),
  },
  SECINFO_NO_NAME: {
    ACCESS: asUser(() => op('SECINFO_NO_NAME', { style: 1 })),
    NOENT: inPseudo(op('SECINFO_NO_NAME', { style: 1 })),
    NOTDIR: on('link', op('SECINFO_NO_NAME', { style: 1 })),
  },
  SEQUENCE: {
    BADSESSION: (w) => w.alone(sequence(Buffer.alloc(16), 1)),
    BADSLOT: (w) => w.alone(sequence(w.session.sessionId, 1, { slot: 64 })),
    BAD_HIGH_SLOT: (w) => w.alone(sequence(w.session.sessionId, 1, { highestSlot: 64 })),
    DELAY: async (w) => {
      const calls = [sequence(w.session.sessionId, 1), putfh(w.root), openCall(w.clientId, 'slow')];
      const [, second] = await Promise.all([w.alone(...calls), w.alone(...calls)]);
      return second;
    },
    REQ_TOO_BIG: async (w) => {
      const small = await w.harness.open({ channel: { maxRequestBytes: 1024 } });
      return small.attempt([op('PUTROOTFH', {}), lookup('x'.repeat(1000))]);
    },
    RETRY_UNCACHED_REP: async (w) => {
      const calls = [sequence(w.session.sessionId, 1), putfh(w.root), readdir({ maxBytes: 8192, mask: readableMask })];
      for (let i = 0; i < 16; i++) await filesOf(w.session).mkdir(w.root, `many ${i}`);
      demandOk(await w.alone(...calls));
      return w.alone(...calls);
    },
    SEQUENCE_POS: (w) => w.run(sequence(w.session.sessionId, 1)),
    SEQ_FALSE_RETRY: async (w) => {
      demandOk(await w.alone(sequence(w.session.sessionId, 1)));
      return w.alone(sequence(w.session.sessionId, 1), op('PUTROOTFH', {}));
    },
    SEQ_MISORDERED: (w) => w.alone(sequence(w.session.sessionId, 3)),
    TOO_MANY_OPS: async (w) => {
      const small = await w.harness.open({ channel: { maxOperations: 2 } });
      return small.attempt([op('PUTROOTFH', {}), getfh]);
    },
  },
  SETATTR: {
    ...wrongStateids((stateid) => setattr({ size: 1 }, stateid)),
    ACCESS: (w) => w.asUser(putfh(w.file), setattr({ size: 1 })),
    ATTRNOTSUPP: inRoot(op('SETATTR', { stateid: ANONYMOUS, attributes: unknownAttribute })),
    BADOWNER: inRoot(setattr({ owner: Buffer.from('alice@example') })),
    FBIG: underFile(setattr({ size: 2 ** 60 })),
    INVAL: inRoot(setattr({ type: 1 })),
    LOCKED: async (w) => w.run(putfh((await deny(w, 2)).handle), setattr({ size: 1 })),
    OPENMODE: async (w) => {
      const { stateid } = await filesOf(w.session).open(w.root, 'file', { access: 1, owner: 'reader' });
      return w.run(putfh(w.file), setattr({ size: 1 }, stateid));
    },
    PERM: (w) => w.asUser(putfh(w.file), setattr({ mode: 0o777 })),
    ROFS: inPseudo(setattr({ mode: 0o777 })),
    WRONG_TYPE: inRoot(setattr({ size: 1 })),
  },
  TEST_STATEID: {},
  VERIFY: {
    ATTRNOTSUPP: inRoot(op('VERIFY', { attributes: unknownAttribute })),
    INVAL: inRoot(op('VERIFY', { attributes: packAttributes({ time_access_set: { how: 0 } }) })),
    NOT_SAME: inRoot(op('VERIFY', { attributes: packAttributes({ type: 1 }) })),
  },
  WRITE: {
    ...wrongTypes(write()),
    ...wrongStateids(write),
    ACCESS: (w) => w.asUser(putfh(w.file), write()),
    DQUOT: (w) => {
      w.harness.server.setFull('data', true);
      return w.run(putfh(w.file), write(w.stateid));
    },
    FBIG: (w) => w.run(putfh(w.file), write(w.stateid, 2 ** 60)),
    LOCKED: async (w) => w.run(putfh((await deny(w, 2)).handle), write()),
    OPENMODE: async (w) => {
      const { stateid } = await filesOf(w.session).open(w.root, 'file', { access: 1, owner: 'reader' });
      return w.run(putfh(w.file), write(stateid));
    },
  },
};
