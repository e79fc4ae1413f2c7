import {
  type AttributeName,
  type Attributes,
  bitmapOf,
  packAttributes,
  unpackAttributes,
} from '../../../src/nfs/protocol/attributes.ts';
import type { Call, Result } from '../../../src/nfs/protocol/operations.ts';
import type { Stateid } from '../../../src/nfs/protocol/types.ts';
import { type NfsSession, op } from './session.ts';

export const ANONYMOUS: Stateid = { seqid: 0, other: Buffer.alloc(12) };
export const CURRENT: Stateid = { seqid: 1, other: Buffer.alloc(12) };

export interface OpenFile {
  handle: Buffer;
  stateid: Stateid;
}

export interface OpenOptions {
  access?: number;
  deny?: number;
  owner?: string;
  create?: 'unchecked' | 'guarded' | 'no';
  attributes?: Partial<Attributes>;
}

/** What programs do with files, as compounds of one session. */
export interface Files {
  readonly session: NfsSession;
  root(exportName: string): Promise<Buffer>;
  lookup(directory: Buffer, ...path: string[]): Promise<Buffer>;
  getattr<N extends AttributeName>(handle: Buffer, ...names: N[]): Promise<Pick<Attributes, N>>;
  setattr(handle: Buffer, attributes: Partial<Attributes>, stateid?: Stateid): Promise<void>;
  open(directory: Buffer, name: string, options?: OpenOptions): Promise<OpenFile>;
  close(file: OpenFile): Promise<void>;
  read(file: OpenFile, offset: number, count: number): Promise<Result<'READ'>>;
  write(file: OpenFile, offset: number, data: Buffer, stable?: 0 | 1 | 2): Promise<Result<'WRITE'>>;
  commit(handle: Buffer): Promise<Buffer>;
  mkdir(directory: Buffer, name: string, attributes?: Partial<Attributes>): Promise<Buffer>;
  remove(directory: Buffer, name: string): Promise<void>;
  rename(from: Buffer, oldName: string, to: Buffer, newName: string): Promise<void>;
  list(directory: Buffer, maxBytes?: number): Promise<string[]>;
}

export const putfh = (handle: Buffer): Call => op('PUTFH', { handle });
export const utf8 = (name: string): string => Buffer.from(name).toString('latin1');

export function openCall(clientId: bigint, name: string, options: OpenOptions = {}): Call {
  const { access = 3, deny = 0, owner = 'owner', create = 'unchecked', attributes = { mode: 0o644 } } = options;
  return op('OPEN', {
    seqid: 0,
    shareAccess: access,
    shareDeny: deny,
    owner: { clientId, owner: Buffer.from(owner) },
    create:
      create === 'no' ? undefined : { mode: create === 'guarded' ? 1 : 0, attributes: packAttributes(attributes) },
    claim: { claim: 0, name: utf8(name) },
  });
}

export function filesOf(session: NfsSession): Files {
  const getfh = op('GETFH', {});
  return {
    session,
    async root(exportName) {
      const answers = await session.compound([op('PUTROOTFH', {}), op('LOOKUP', { name: utf8(exportName) }), getfh]);
      return answers.of('GETFH').handle;
    },
    async lookup(directory, ...path) {
      const steps = path.map((name) => op('LOOKUP', { name: utf8(name) }));
      return (await session.compound([putfh(directory), ...steps, getfh])).of('GETFH').handle;
    },
    async getattr(handle, ...names) {
      const answers = await session.compound([putfh(handle), op('GETATTR', { mask: bitmapOf(names) })]);
      return unpackAttributes(answers.of('GETATTR').attributes).values as never;
    },
    async setattr(handle, attributes, stateid = ANONYMOUS) {
      await session.compound([putfh(handle), op('SETATTR', { stateid, attributes: packAttributes(attributes) })]);
    },
    async open(directory, name, options) {
      const answers = await session.compound([putfh(directory), openCall(session.clientId, name, options), getfh]);
      return { handle: answers.of('GETFH').handle, stateid: answers.of('OPEN').stateid };
    },
    async close({ handle, stateid }) {
      await session.compound([putfh(handle), op('CLOSE', { seqid: 0, stateid: { ...stateid, seqid: 0 } })]);
    },
    async read({ handle, stateid }, offset, count) {
      return (await session.compound([putfh(handle), op('READ', { stateid, offset, count })])).of('READ');
    },
    async write({ handle, stateid }, offset, data, stable = 0) {
      return (await session.compound([putfh(handle), op('WRITE', { stateid, offset, stable, data })])).of('WRITE');
    },
    async commit(handle) {
      return (await session.compound([putfh(handle), op('COMMIT', { offset: 0, count: 0 })])).of('COMMIT').verifier;
    },
    async mkdir(directory, name, attributes = { mode: 0o755 }) {
      const create = op('CREATE', { object: { type: 2 }, name: utf8(name), attributes: packAttributes(attributes) });
      return (await session.compound([putfh(directory), create, getfh])).of('GETFH').handle;
    },
    async remove(directory, name) {
      await session.compound([putfh(directory), op('REMOVE', { name: utf8(name) })]);
    },
    async rename(from, oldName, to, newName) {
      await session.compound([
        putfh(from),
        op('SAVEFH', {}),
        putfh(to),
        op('RENAME', { oldName: utf8(oldName), newName: utf8(newName) }),
      ]);
    },
    async list(directory, maxBytes = 32_768) {
      const names: string[] = [];
      let cookie = 0n;
      for (;;) {
        const args = {
          cookie,
          verifier: Buffer.alloc(8),
          directoryBytes: maxBytes,
          maxBytes,
          mask: bitmapOf(['fileid']),
        };
        const { entries, eof } = (await session.compound([putfh(directory), op('READDIR', args)])).of('READDIR');
        for (const entry of entries) names.push(Buffer.from(entry.name, 'latin1').toString());
        if (eof) return names;
        cookie = entries.at(-1)!.cookie;
      }
    },
  };
}
