import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { bitmapOf, packAttributes } from '../../../src/nfs/protocol/attributes.ts';
import { readCompoundAnswer, writeCompound } from '../../../src/nfs/protocol/compound.ts';
import type { Call, KnownOperation } from '../../../src/nfs/protocol/operations.ts';
import { XdrWriter } from '../../../src/nfs/xdr/writer.ts';
import { openCall, putfh } from '../client/files.ts';
import { type Answers, createSession, exchangeId, op } from '../client/session.ts';
import { validErrors } from '../client/valid-errors.ts';
import {
  bind,
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
  whole,
  write,
} from './calls.ts';
import { type Case, type Cases, held, newClient, type World } from './world.ts';

/** A compound of which the last operation ends well. */
export const samples: Record<KnownOperation, (w: World) => Call[] | Promise<Call[]>> = {
  ACCESS: (w) => [putfh(w.file), op('ACCESS', { access: 1 })],
  BACKCHANNEL_CTL: () => [op('BACKCHANNEL_CTL', { program: 1, security: [{ flavor: 0 }] })],
  BIND_CONN_TO_SESSION: (w) => [bind(w.session.sessionId, 3)],
  CLOSE: (w) => [putfh(w.file), close(w.stateid)],
  COMMIT: (w) => [putfh(w.file), commit],
  CREATE: (w) => [putfh(w.root), make('new')],
  CREATE_SESSION: async (w) => [createSession(...(await newClient(w)))],
  DESTROY_CLIENTID: async (w) => [op('DESTROY_CLIENTID', { clientId: (await newClient(w))[0] })],
  DESTROY_SESSION: async (w) => [op('DESTROY_SESSION', { sessionId: (await w.harness.open()).sessionId })],
  EXCHANGE_ID: () => [exchangeId('another', Buffer.alloc(8, 1))],
  FREE_STATEID: async (w) => {
    const lock = await held(w);
    const free = (await w.session.compound([putfh(w.file), locku(lock, whole)])).of('LOCKU').stateid;
    return [op('FREE_STATEID', { stateid: free })];
  },
  GETATTR: (w) => [putfh(w.file), op('GETATTR', { mask: bitmapOf(['type']) })],
  GETFH: (w) => [putfh(w.file), getfh],
  LINK: (w) => [putfh(w.file), save, putfh(w.root), op('LINK', { name: 'second' })],
  LOCK: (w) => [putfh(w.file), lockCall(w.clientId, w.stateid)],
  LOCKT: (w) => [putfh(w.file), lockt(w.clientId)],
  LOCKU: async (w) => [putfh(w.file), locku(await held(w))],
  LOOKUP: (w) => [putfh(w.root), lookup('file')],
  LOOKUPP: (w) => [putfh(w.directory), op('LOOKUPP', {})],
  NVERIFY: (w) => [putfh(w.file), op('NVERIFY', { attributes: packAttributes({ type: 2 }) })],
  OPEN: (w) => [putfh(w.root), openCall(w.clientId, 'file')],
  OPEN_DOWNGRADE: (w) => [putfh(w.file), downgrade(w.stateid)],
  PUTFH: (w) => [putfh(w.file)],
  PUTPUBFH: () => [op('PUTPUBFH', {})],
  PUTROOTFH: () => [op('PUTROOTFH', {})],
  READ: (w) => [putfh(w.file), read()],
  READDIR: (w) => [putfh(w.root), readdir()],
  READLINK: (w) => [putfh(w.link), op('READLINK', {})],
  RECLAIM_COMPLETE: (w) => [putfh(w.root), op('RECLAIM_COMPLETE', { oneFileSystem: true })],
  REMOVE: (w) => [putfh(w.root), op('REMOVE', { name: 'link' })],
  RENAME: (w) => [putfh(w.root), save, op('RENAME', { oldName: 'link', newName: 'renamed' })],
  RESTOREFH: (w) => [putfh(w.root), save, op('RESTOREFH', {})],
  SAVEFH: (w) => [putfh(w.root), save],
  SECINFO: (w) => [putfh(w.root), op('SECINFO', { name: 'file' })],
  SECINFO_NO_NAME: (w) => [putfh(w.directory), op('SECINFO_NO_NAME', { style: 1 })],
  SEQUENCE: () => [],
  SETATTR: (w) => [putfh(w.file), setattr({ mode: 0o600 })],
  TEST_STATEID: (w) => [op('TEST_STATEID', { stateids: [w.stateid] })],
  VERIFY: (w) => [putfh(w.file), op('VERIFY', { attributes: packAttributes({ type: 1 }) })],
  WRITE: (w) => [putfh(w.file), write()],
};

export const isAlone = (name: KnownOperation): boolean => validErrors.get(name)!.has('NOT_ONLY_OP');

/** Sends the compound without its last four bytes. */
async function cutShort(w: World, calls: Call[]): Promise<Answers> {
  const whole = writeCompound(calls).toBuffer();
  const body = new XdrWriter();
  body.fixed(whole.subarray(0, whole.length - 4));
  const { body: reply } = await w.session.transport.call(body, { identity: { uid: 0, gid: 0 } });
  return { ...readCompoundAnswer(reply), of: () => expect.fail('only errors are of interest') };
}

/** A session whose answers are too big as soon as the operation comes. */
const tooBig =
  (name: KnownOperation, cacheThis: boolean): Case =>
  async (w) => {
    const channel = cacheThis ? { maxCachedBytes: 1024 } : { maxResponseBytes: 1024, maxCachedBytes: 1024 };
    const small = await w.harness.open({ channel });
    const calls = await samples[name](w);
    const handle = calls.length > 1 ? [] : [putfh(w.root)];
    // From more than there is room for to so much that the operation is the first without room.
    for (let fill = 16; ; fill--) {
      const filling = Array.from({ length: fill }, () => getfh);
      const answers = await small.attempt([...calls.slice(0, -1), ...handle, ...filling, calls.at(-1)!], { cacheThis });
      if (answers.answers.length === calls.length + handle.length + fill + 1) return answers;
    }
  };

/** What holds for all operations that have such an error in their row. */
export function general(name: KnownOperation): Cases {
  const last = async (w: World): Promise<Call> => (await samples[name](w)).at(-1)!;
  return {
    BADXDR: async (w) => {
      const calls = await samples[name](w);
      return cutShort(w, isAlone(name) ? calls : [sequence(w.session.sessionId, 1), ...calls]);
    },
    NOFILEHANDLE: async (w) => w.run(await last(w)),
    NOT_ONLY_OP: async (w) => w.alone(await last(w), op('PUTROOTFH', {})),
    OP_NOT_IN_SESSION: async (w) => w.alone(await last(w)),
    REP_TOO_BIG: tooBig(name, false),
    REP_TOO_BIG_TO_CACHE: tooBig(name, true),
    STALE: async (w) => {
      const calls = await samples[name](w);
      await w.finish();
      for (const gone of ['file', 'directory', 'link']) rmSync(join(w.harness.data, gone), { recursive: true });
      // The root cannot go, so a directory stands for it.
      const isRoot = (call: Call): boolean => call.name === 'PUTFH' && call.arguments.handle.equals(w.root);
      return w.run(...calls.map((call) => (isRoot(call) ? putfh(w.directory) : call)));
    },
  };
}
