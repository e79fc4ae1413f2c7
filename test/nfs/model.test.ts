import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NFS4 } from '../../src/nfs/protocol/status.ts';
import { ANONYMOUS, type Files, putfh, utf8 } from './client/files.ts';
import { op } from './client/session.ts';
import { type Harness, startHarness, statusOf } from './harness.ts';

/**
 * A random run of two clients against a model of a POSIX tree: what one does the other sees at once, each status is the
 * one that POSIX gives, and handles mean the same after renames and restarts.
 */
interface FileModel {
  kind: 'file';
  data: Buffer;
  links: number;
  handle: Buffer;
}
interface DirectoryModel {
  kind: 'directory';
  entries: Map<string, NodeModel>;
  parent: DirectoryModel | undefined;
  handle: Buffer;
  removed: boolean;
}
type NodeModel = FileModel | DirectoryModel;

const NAMES = ['a', 'b', 'c', 'ä'];
const name = fc.constantFrom(...NAMES);
const index = fc.nat(30);
const client = fc.nat(1);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      client,
      at: index,
      name,
      offset: fc.nat(50),
      size: fc.nat(40),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('mkdir' as const), client, at: index, name }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('remove' as const), client, at: index, name }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('rename' as const), client, at: index, name, to: index, newName: name }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('link' as const), client, at: index, name, to: index, newName: name }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('truncate' as const), client, at: index, name, size: fc.nat(80) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('check' as const), client }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness();
});
afterEach(async () => {
  const { complaints } = harness;
  await harness.close();
  expect(complaints).toEqual([]);
});

const isInside = (directory: DirectoryModel, of: NodeModel): boolean =>
  directory === of || (directory.parent !== undefined && isInside(directory.parent, of));

/** What rename(2) says before it does anything; undefined when it goes ahead. */
function renameStatus(source: DirectoryModel, from: string, target: DirectoryModel, to: string): number | undefined {
  const moved = source.entries.get(from);
  if (moved === undefined) return NFS4.ERR_NOENT;
  const replaced = target.entries.get(to);
  if (replaced === moved) return NFS4.OK;
  if (replaced !== undefined && replaced.kind !== moved.kind) return NFS4.ERR_EXIST;
  if (moved.kind === 'directory' && isInside(target, moved)) return NFS4.ERR_INVAL;
  if (replaced?.kind === 'directory' && isInside(source, replaced)) return NFS4.ERR_NOTEMPTY;
  if (replaced?.kind === 'directory' && replaced.entries.size > 0) return NFS4.ERR_NOTEMPTY;
  return undefined;
}

async function play(steps: readonly Step[]): Promise<void> {
  let clients: Files[] = [await harness.files(), await harness.files()];
  const top = await clients[0]!.root('data');
  const base = await clients[0]!.mkdir(top, `run-${Math.random()}`);
  const root: DirectoryModel = {
    kind: 'directory',
    entries: new Map(),
    parent: undefined,
    handle: base,
    removed: false,
  };
  const directories: DirectoryModel[] = [root];
  const gone: Buffer[] = [];

  const live = (): DirectoryModel[] => directories.filter(({ removed }) => !removed);
  const pick = (at: number): DirectoryModel => live()[at % live().length]!;
  const drop = (node: NodeModel): void => {
    if (node.kind === 'directory') node.removed = true;
    else node.links -= 1;
    if (node.kind === 'directory' || node.links === 0) gone.push(node.handle);
  };

  const check = async (files: Files, directory: DirectoryModel): Promise<void> => {
    expect((await files.list(directory.handle)).sort()).toEqual([...directory.entries.keys()].sort());
    for (const [entry, node] of directory.entries) {
      expect(await files.lookup(directory.handle, entry)).toEqual(node.handle);
      if (node.kind === 'directory') {
        await check(files, node);
        continue;
      }
      expect(await files.getattr(node.handle, 'size', 'numlinks')).toEqual({
        size: node.data.length,
        numlinks: node.links,
      });
      const { data } = await files.read({ handle: node.handle, stateid: ANONYMOUS }, 0, 1000);
      expect(data.equals(node.data)).toBe(true);
    }
  };

  for (const one of steps) {
    if (one.kind === 'restart') {
      const identities = clients.map(({ session: { owner, verifier } }) => ({ owner, verifier }));
      await harness.restart();
      clients = await Promise.all(identities.map((identity) => harness.files(identity)));
      continue;
    }
    const files = clients[one.client]!;
    if (one.kind === 'check') {
      await check(files, root);
      for (const handle of gone) expect(await statusOf(files.getattr(handle, 'type'))).toBe(NFS4.ERR_STALE);
      continue;
    }
    const directory = pick(one.at);
    const there = directory.entries.get(one.name);
    switch (one.kind) {
      case 'write': {
        const opening = files.open(directory.handle, one.name);
        if (there?.kind === 'directory') {
          expect(await statusOf(opening)).toBe(NFS4.ERR_ISDIR);
          break;
        }
        const file = await opening;
        const data = Buffer.alloc(one.size, one.offset + 1);
        await files.write(file, one.offset, data);
        await files.close(file);
        const old = there ?? { kind: 'file', data: Buffer.alloc(0), links: 1, handle: file.handle };
        expect(file.handle).toEqual(old.handle);
        const end = one.size === 0 ? old.data.length : Math.max(old.data.length, one.offset + one.size);
        const next = Buffer.alloc(end);
        old.data.copy(next);
        data.copy(next, one.offset);
        old.data = next;
        directory.entries.set(one.name, old);
        break;
      }
      case 'mkdir': {
        const making = files.mkdir(directory.handle, one.name);
        if (there !== undefined) {
          expect(await statusOf(making)).toBe(NFS4.ERR_EXIST);
          break;
        }
        const made: DirectoryModel = {
          kind: 'directory',
          entries: new Map(),
          parent: directory,
          handle: await making,
          removed: false,
        };
        directory.entries.set(one.name, made);
        directories.push(made);
        break;
      }
      case 'remove': {
        const isFull = there?.kind === 'directory' && there.entries.size > 0;
        const expected = there === undefined ? NFS4.ERR_NOENT : isFull ? NFS4.ERR_NOTEMPTY : NFS4.OK;
        expect(await statusOf(files.remove(directory.handle, one.name))).toBe(expected);
        if (expected !== NFS4.OK) break;
        directory.entries.delete(one.name);
        drop(there!);
        break;
      }
      case 'rename': {
        const target = pick(one.to);
        const expected = renameStatus(directory, one.name, target, one.newName);
        const status = await statusOf(files.rename(directory.handle, one.name, target.handle, one.newName));
        expect(status).toBe(expected ?? NFS4.OK);
        if (expected !== undefined) break;
        const replaced = target.entries.get(one.newName);
        if (replaced !== undefined) drop(replaced);
        directory.entries.delete(one.name);
        target.entries.set(one.newName, there!);
        if (there!.kind === 'directory') there!.parent = target;
        break;
      }
      case 'link': {
        const target = pick(one.to);
        if (there?.kind !== 'file') break;
        const exists = target.entries.has(one.newName);
        const { status } = await files.session.attempt([
          putfh(there.handle),
          op('SAVEFH', {}),
          putfh(target.handle),
          op('LINK', { name: utf8(one.newName) }),
        ]);
        expect(status).toBe(exists ? NFS4.ERR_EXIST : NFS4.OK);
        if (exists) break;
        there.links += 1;
        target.entries.set(one.newName, there);
        break;
      }
      case 'truncate': {
        if (there?.kind !== 'file') break;
        await files.setattr(there.handle, { size: one.size });
        const next = Buffer.alloc(one.size);
        there.data.copy(next);
        there.data = next;
        break;
      }
    }
  }
  for (const files of clients) await check(files, root);
  for (const { session } of clients) await session.end();
}

const RUNS = Number(process.env['NFS_MODEL_RUNS'] ?? 15);

it('keeps to a model of a POSIX tree, with two clients and restarts', { timeout: 30_000 + RUNS * 2_000 }, async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 120 }), play), {
    numRuns: RUNS,
    endOnFailure: true,
  });
});
