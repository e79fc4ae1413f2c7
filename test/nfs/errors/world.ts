import type { Call } from '../../../src/nfs/protocol/operations.ts';
import type { Stateid } from '../../../src/nfs/protocol/types.ts';
import { filesOf, putfh } from '../client/files.ts';
import { type Answers, demandOk, exchangeId, type NfsSession, op, sendCompound } from '../client/session.ts';
import { type Harness, startHarness, VOLUME_ID } from '../harness.ts';
import { claimOpen, getfh, lockCall, make } from './calls.ts';

/** A server with a file of each kind, and a client. */
export interface World {
  harness: Harness;
  session: NfsSession;
  clientId: bigint;
  pseudo: Buffer;
  root: Buffer;
  /** Empty, and for nobody but its owner. */
  directory: Buffer;
  /** Open for reading and writing as `stateid`. */
  file: Buffer;
  stateid: Stateid;
  link: Buffer;
  fifo: Buffer;
  /** Answers to these operations, after a SEQUENCE. */
  run(...calls: Call[]): Promise<Answers>;
  /** The same for somebody who is not root. */
  asUser(...calls: Call[]): Promise<Answers>;
  /** Without a session. */
  alone(...calls: Call[]): Promise<Answers>;
  /** Closes the file. */
  finish(): Promise<void>;
}
export type Case = (world: World) => Promise<Answers>;
export type Cases = Record<string, Case>;

export async function createWorld(): Promise<World> {
  // In memory: a flush of the list of clients would take most of the time.
  const harness = await startHarness({}, '/dev/shm');
  await harness.server.addExport('other', harness.data, VOLUME_ID.replaceAll('1', '2'));
  const session = await harness.open();
  const user = await harness.open({ identity: { uid: 1000, gid: 1000 } });
  const files = filesOf(session);
  const root = await files.root('data');
  await files.setattr(root, { mode: 0o777 });
  const directory = await files.mkdir(root, 'directory', { mode: 0o700 });
  const { handle: file, stateid } = await files.open(root, 'file', { attributes: { mode: 0o600 } });
  await session.compound([
    putfh(root),
    make('link', { type: 5, target: 'file' }),
    putfh(root),
    make('fifo', { type: 7 }),
  ]);
  const pseudo = (await session.compound([op('PUTROOTFH', {}), getfh])).of('GETFH').handle;
  return {
    harness,
    session,
    clientId: session.clientId,
    pseudo,
    root,
    directory,
    file,
    stateid,
    link: await files.lookup(root, 'link'),
    fifo: await files.lookup(root, 'fifo'),
    run: (...calls) => session.attempt(calls),
    asUser: (...calls) => user.attempt(calls),
    alone: (...calls) => sendCompound(session.transport, calls, session.identity),
    finish: () => files.close({ handle: file, stateid }),
  };
}

export const held = async (w: World): Promise<Stateid> =>
  (await w.session.compound([putfh(w.file), lockCall(w.clientId, w.stateid)])).of('LOCK').stateid;
export const old = async (w: World): Promise<Stateid> => {
  await filesOf(w.session).open(w.root, 'file', { create: 'no' });
  return w.stateid;
};
/** Restarts the server, and comes back as two clients who both had the file open. */
export const restarted = async (w: World): Promise<[NfsSession, NfsSession]> => {
  const other = await w.harness.open();
  await filesOf(other).open(w.root, 'file');
  await w.harness.restart();
  const again = ({ owner, verifier }: NfsSession) => w.harness.open({ owner, verifier, complete: false });
  return [await again(w.session), await again(other)];
};
export const reclaim = async (w: World, session: NfsSession): Promise<Stateid> =>
  (await session.compound([putfh(w.file), claimOpen(session.clientId, { claim: 1, delegation: 0 })])).of('OPEN')
    .stateid;
export const reclaimLock = async (w: World, session: NfsSession): Promise<Answers> => {
  const stateid = await reclaim(w, session);
  return session.attempt([putfh(w.file), lockCall(session.clientId, stateid, { reclaim: true })]);
};

export async function newClient(w: World): Promise<[bigint, number]> {
  const { clientId, sequence } = demandOk(await w.alone(exchangeId('new', Buffer.alloc(8, 1)))).of('EXCHANGE_ID');
  return [clientId, sequence];
}
