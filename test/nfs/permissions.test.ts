import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { NfsOptions } from '../../src/nfs/index.ts';
import { packAttributes } from '../../src/nfs/protocol/attributes.ts';
import { NFS4 } from '../../src/nfs/protocol/status.ts';
import { ANONYMOUS, type Files, putfh } from './client/files.ts';
import { op } from './client/session.ts';
import { type Harness, startHarness, statusOf } from './harness.ts';

const isRoot = process.geteuid?.() === 0;
let harness: Harness;
const start = async (options: Partial<NfsOptions> = {}): Promise<void> => {
  harness = await startHarness(options);
};
afterEach(() => harness.close());

const as = (uid: number, gid = uid, groups: number[] = []): Promise<Files> =>
  harness.files({ identity: { uid, gid, groups } });
const idsOf = (name: string): [number, number, string] => {
  const { uid, gid, mode } = statSync(join(harness.data, name));
  return [uid, gid, (mode & 0o7777).toString(8)];
};

describe.runIf(isRoot)('identity of the caller', () => {
  it('owns what it makes, and a set-group-id directory gives its group', async () => {
    await start();
    const root = await as(0);
    const top = await root.root('data');
    await root.setattr(top, { mode: 0o777 });
    const alice = await as(1000, 1001);
    const file = await alice.open(top, 'file', { attributes: { mode: 0o600 } });
    await alice.write(file, 0, Buffer.from('x'));
    await alice.mkdir(top, 'dir');
    await alice.session.compound([
      putfh(top),
      op('CREATE', { object: { type: 5, target: 'file' }, name: 'link', attributes: packAttributes({}) }),
    ]);
    expect(idsOf('file')).toEqual([1000, 1001, '600']);
    expect(idsOf('dir')).toEqual([1000, 1001, '755']);
    const group = await root.mkdir(top, 'group', { mode: 0o2777, owner_group: Buffer.from('77') });
    await alice.open(group, 'file');
    await alice.mkdir(group, 'dir');
    expect(idsOf('group/file')).toEqual([1000, 77, '644']);
    expect(idsOf('group/dir')).toEqual([1000, 77, '2755']);
  });

  it('is held against modes', async () => {
    await start();
    const root = await as(0);
    const top = await root.root('data');
    await root.setattr(top, { mode: 0o777 });
    const alice = await as(1000);
    const bob = await as(2000, 2000, [1000]);
    const eve = await as(3000);
    const file = await alice.open(top, 'file', { attributes: { mode: 0o640 } });
    const read = (files: Files) => statusOf(files.read({ handle: file.handle, stateid: ANONYMOUS }, 0, 1));
    expect(await read(bob)).toBe(NFS4.OK);
    expect(await read(eve)).toBe(NFS4.ERR_ACCESS);
    expect(await statusOf(bob.open(top, 'file', { access: 2, create: 'no' }))).toBe(NFS4.ERR_ACCESS);
    expect(await statusOf(bob.setattr(file.handle, { mode: 0o777 }))).toBe(NFS4.ERR_PERM);
    expect(await statusOf(bob.setattr(file.handle, { size: 0 }))).toBe(NFS4.ERR_ACCESS);
    expect(await statusOf(alice.setattr(file.handle, { owner: Buffer.from('2000') }))).toBe(NFS4.ERR_PERM);
    expect(await statusOf(alice.setattr(file.handle, { owner_group: Buffer.from('2000') }))).toBe(NFS4.ERR_PERM);
    expect(await statusOf(bob.setattr(file.handle, { time_modify_set: { how: 0 } }))).toBe(NFS4.ERR_ACCESS);
    // What was opened stays open.
    await alice.setattr(file.handle, { mode: 0 });
    expect(await statusOf(alice.write(file, 0, Buffer.from('x')))).toBe(NFS4.OK);
    const access = async (files: Files) =>
      (await files.session.compound([putfh(file.handle), op('ACCESS', { access: 0x3f })])).of('ACCESS').access;
    expect(await access(alice)).toBe(0);
    expect(await access(root)).toBe(0b1101);
    const closed = await alice.mkdir(top, 'closed', { mode: 0o700 });
    expect(await statusOf(eve.lookup(closed, 'x'))).toBe(NFS4.ERR_ACCESS);
    expect(await statusOf(eve.list(closed))).toBe(NFS4.ERR_ACCESS);
    expect(await statusOf(eve.open(closed, 'x'))).toBe(NFS4.ERR_ACCESS);
  });

  it('cannot take away what a sticky directory protects', async () => {
    await start();
    const root = await as(0);
    const top = await root.root('data');
    await root.setattr(top, { mode: 0o1777 });
    const alice = await as(1000);
    const eve = await as(3000);
    await alice.open(top, 'hers');
    await eve.open(top, 'own');
    expect(await statusOf(eve.remove(top, 'hers'))).toBe(NFS4.ERR_ACCESS);
    expect(await statusOf(eve.rename(top, 'own', top, 'hers'))).toBe(NFS4.ERR_ACCESS);
    expect(await statusOf(eve.rename(top, 'hers', top, 'mine'))).toBe(NFS4.ERR_ACCESS);
    expect(await statusOf(alice.remove(top, 'hers'))).toBe(NFS4.OK);
  });

  it('takes set-id bits off what others change', async () => {
    await start();
    writeFileSync(join(harness.data, 'suid'), 'x');
    chmodSync(join(harness.data, 'suid'), 0o6777);
    const alice = await as(1000);
    const file = await alice.open(await alice.root('data'), 'suid', { access: 2, create: 'no' });
    await alice.write(file, 0, Buffer.from('y'));
    expect(idsOf('suid')[2]).toBe('777');
  });

  it('of root is nobody with squash', async () => {
    await start({ squash: 'root' });
    chmodSync(harness.data, 0o777);
    const root = await as(0);
    await root.open(await root.root('data'), 'file');
    expect(idsOf('file').slice(0, 2)).toEqual([65534, 65534]);
    const alice = await as(1000, 0);
    await alice.open(await alice.root('data'), 'hers');
    expect(idsOf('hers').slice(0, 2)).toEqual([1000, 65534]);
  });
});

it('is the server’s own for all, where it cannot be the caller’s', async () => {
  await start({ identity: 'server' });
  const alice = await as(1000);
  const top = await alice.root('data');
  const file = await alice.open(top, 'file');
  await alice.write(file, 0, Buffer.from('x'));
  expect(idsOf('file').slice(0, 2)).toEqual([process.geteuid?.(), process.getegid?.()]);
  expect(await statusOf(alice.setattr(file.handle, { owner: Buffer.from('1000') }))).toBe(NFS4.ERR_PERM);
  const bob = await as(2000);
  expect(await statusOf(bob.remove(top, 'file'))).toBe(NFS4.OK);
});
