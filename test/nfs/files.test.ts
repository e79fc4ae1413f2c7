import { linkSync, readFileSync, renameSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bitmapOf, packAttributes, readableMask, supportedMask } from '../../src/nfs/protocol/attributes.ts';
import { NFS4 } from '../../src/nfs/protocol/status.ts';
import { ANONYMOUS, CURRENT, type Files, openCall, putfh } from './client/files.ts';
import { op } from './client/session.ts';
import { type Harness, startHarness, statusOf } from './harness.ts';

const isRoot = process.geteuid?.() === 0;
let harness: Harness;
let files: Files;
let root: Buffer;

beforeEach(async () => {
  harness = await startHarness();
  files = await harness.files();
  root = await files.root('data');
});
afterEach(async () => {
  const { complaints } = harness;
  await harness.close();
  expect(complaints).toEqual([]);
});

const attempt = async (...calls: Parameters<Files['session']['attempt']>[0]) =>
  (await files.session.attempt(calls)).status;
const lookup = (name: string) => op('LOOKUP', { name });
const getfh = op('GETFH', {});

describe('names', () => {
  it.each([
    ['', NFS4.ERR_INVAL],
    ['.', NFS4.ERR_BADNAME],
    ['..', NFS4.ERR_BADNAME],
    ['a/b', NFS4.ERR_BADCHAR],
    ['a\0b', NFS4.ERR_BADCHAR],
    ['x'.repeat(256), NFS4.ERR_NAMETOOLONG],
    ['missing', NFS4.ERR_NOENT],
  ])('LOOKUP of %j', async (name, status) => {
    expect(await attempt(putfh(root), lookup(name))).toBe(status);
  });

  it('may be any bytes', async () => {
    const name = '\xff\xfe\x80 ü';
    const file = await files.open(root, 'plain');
    await files.session.compound([
      putfh(root),
      op('SAVEFH', {}),
      op('RENAME', { oldName: 'plain', newName: Buffer.from(name).toString('latin1') }),
    ]);
    expect(await files.list(root)).toEqual([name]);
    expect(await statusOf(files.close(file))).toBe(NFS4.OK);
  });

  it('lead up to the pseudo root and never out of the export', async () => {
    const directory = await files.mkdir(root, 'a');
    const up = await files.session.compound([putfh(directory), op('LOOKUPP', {}), getfh]);
    expect(up.of('GETFH').handle).toEqual(root);
    const top = await files.session.compound([putfh(root), op('LOOKUPP', {}), getfh]);
    const pseudo = top.of('GETFH').handle;
    expect((await files.session.compound([op('PUTROOTFH', {}), getfh])).of('GETFH').handle).toEqual(pseudo);
    expect(await attempt(putfh(pseudo), op('LOOKUPP', {}))).toBe(NFS4.ERR_NOENT);
    expect(await files.list(pseudo)).toEqual(['data']);
    expect(await attempt(putfh(pseudo), lookup('other'))).toBe(NFS4.ERR_NOENT);
    expect(await attempt(putfh(pseudo), op('REMOVE', { name: 'data' }))).toBe(NFS4.ERR_ROFS);
    expect(await attempt(putfh(pseudo), openCall(files.session.clientId, 'new'))).toBe(NFS4.ERR_ROFS);
  });

  it('of links are not followed', async () => {
    symlinkSync('/etc', join(harness.data, 'out'));
    const link = await files.lookup(root, 'out');
    expect(await attempt(putfh(link), lookup('passwd'))).toBe(NFS4.ERR_SYMLINK);
    expect(await attempt(putfh(link), openCall(files.session.clientId, 'new'))).toBe(NFS4.ERR_SYMLINK);
    expect(await attempt(putfh(root), openCall(files.session.clientId, 'out', { create: 'no' }))).toBe(
      NFS4.ERR_SYMLINK,
    );
    expect((await files.session.compound([putfh(link), op('READLINK', {})])).of('READLINK').target).toBe('/etc');
    expect(await attempt(putfh(root), op('READLINK', {}))).toBe(NFS4.ERR_WRONG_TYPE);
  });
});

describe('handles', () => {
  it.each([
    ['', NFS4.ERR_BADHANDLE],
    ['00'.repeat(33), NFS4.ERR_BADHANDLE],
    [`01${'00'.repeat(32)}`, NFS4.ERR_STALE],
    [`01${'11111111222243338444555555555555'}${'00'.repeat(16)}`, NFS4.ERR_STALE],
  ])('%s', async (hex, status) => {
    expect(await attempt(putfh(Buffer.from(hex, 'hex')))).toBe(status);
  });

  it('are needed, saved and restored', async () => {
    expect(await attempt(op('GETATTR', { mask: [2] }))).toBe(NFS4.ERR_NOFILEHANDLE);
    const answers = await files.session.compound([
      putfh(root),
      op('SAVEFH', {}),
      op('PUTROOTFH', {}),
      op('RESTOREFH', {}),
      getfh,
    ]);
    expect(answers.of('GETFH').handle).toEqual(root);
  });

  it('outlive renames, on the server too, and a restart', async () => {
    const directory = await files.mkdir(root, 'dir');
    const file = await files.open(directory, 'file');
    await files.write(file, 0, Buffer.from('kept'), 2);
    await files.close(file);
    await files.rename(root, 'dir', root, 'moved');
    renameSync(join(harness.data, 'moved/file'), join(harness.data, 'elsewhere'));
    const { data } = await files.read({ handle: file.handle, stateid: ANONYMOUS }, 0, 10);
    expect(data.toString()).toBe('kept');
    await harness.restart();
    const later = await harness.files();
    expect((await later.read({ handle: file.handle, stateid: ANONYMOUS }, 0, 10)).data.toString()).toBe('kept');
    expect(await statusOf(later.getattr(directory, 'type'))).toBe(NFS4.OK);
    unlinkSync(join(harness.data, 'elsewhere'));
    await expect.poll(() => statusOf(later.getattr(file.handle, 'type'))).toBe(NFS4.ERR_STALE);
  });

  it('mean any name of a file that has several', async () => {
    const file = await files.open(root, 'one');
    await files.close(file);
    linkSync(join(harness.data, 'one'), join(harness.data, 'two'));
    await files.remove(root, 'one');
    expect(await files.getattr(file.handle, 'numlinks')).toEqual({ numlinks: 1 });
  });

  it('of a file that is open go on when it is removed', async () => {
    const file = await files.open(root, 'gone');
    await files.remove(root, 'gone');
    await files.write(file, 0, Buffer.from('still'));
    expect((await files.read(file, 0, 10)).data.toString()).toBe('still');
    expect(await files.getattr(file.handle, 'numlinks', 'size')).toEqual({ numlinks: 0, size: 5 });
    await files.close(file);
    expect(await statusOf(files.getattr(file.handle, 'type'))).toBe(NFS4.ERR_STALE);
  });
});

describe('data', () => {
  it('is read to the end and no further', async () => {
    const file = await files.open(root, 'file');
    await files.write(file, 0, Buffer.from('0123456789'));
    expect(await files.read(file, 2, 3)).toEqual({ eof: false, data: Buffer.from('234') });
    expect(await files.read(file, 7, 3)).toEqual({ eof: true, data: Buffer.from('789') });
    expect(await files.read(file, 8, 10)).toEqual({ eof: true, data: Buffer.from('89') });
    expect(await files.read(file, 100, 10)).toEqual({ eof: true, data: Buffer.alloc(0) });
    expect(await files.read(file, 2 ** 60, 10)).toEqual({ eof: true, data: Buffer.alloc(0) });
  });

  it('of a mebibyte goes through whole, and the verifier stays', async () => {
    const file = await files.open(root, 'large');
    const data = Buffer.alloc(1 << 20, 'abcdefg');
    const written = await files.write(file, 5, data, 1);
    expect(written).toMatchObject({ count: data.length, committed: 1 });
    expect(await files.commit(file.handle)).toEqual(written.verifier);
    expect((await files.read(file, 5, data.length)).data.equals(data)).toBe(true);
    await harness.restart();
    const later = await harness.files();
    expect(await later.commit(file.handle)).not.toEqual(written.verifier);
  });

  it('is refused where it cannot be', async () => {
    const file = await files.open(root, 'file');
    const read = (handle: Buffer) => attempt(putfh(handle), op('READ', { stateid: ANONYMOUS, offset: 0, count: 1 }));
    expect(await read(root)).toBe(NFS4.ERR_ISDIR);
    symlinkSync('x', join(harness.data, 'link'));
    expect(await read(await files.lookup(root, 'link'))).toBe(NFS4.ERR_SYMLINK);
    const far = op('WRITE', { stateid: file.stateid, offset: 2 ** 60, stable: 0, data: Buffer.from('x') });
    expect(await attempt(putfh(file.handle), far)).toBe(NFS4.ERR_FBIG);
    expect(await attempt(putfh(root), op('COMMIT', { offset: 0, count: 0 }))).toBe(NFS4.ERR_ISDIR);
  });
});

describe('attributes', () => {
  it('are set and told to the nanosecond', async () => {
    const file = await files.open(root, 'file');
    const time = { seconds: 981173106, nanoseconds: 123456789 };
    await files.setattr(file.handle, {
      mode: 0o640,
      size: 7,
      time_access_set: { how: 1, time },
      time_modify_set: { how: 1, time },
    });
    const got = await files.getattr(file.handle, 'mode', 'size', 'time_access', 'time_modify', 'type');
    expect(got).toEqual({ mode: 0o640, size: 7, time_access: time, time_modify: time, type: 1 });
    expect(statSync(join(harness.data, 'file'), { bigint: true }).mtimeNs).toBe(981173106123456789n);
  });

  it('are refused when they cannot be set', async () => {
    const set = (values: Parameters<typeof packAttributes>[0], handle = root) =>
      attempt(putfh(handle), op('SETATTR', { stateid: ANONYMOUS, attributes: packAttributes(values) }));
    expect(await set({ type: 1 })).toBe(NFS4.ERR_INVAL);
    expect(await set({ time_modify_set: { how: 1, time: { seconds: 1, nanoseconds: 1e9 } } })).toBe(NFS4.ERR_INVAL);
    const short = op('SETATTR', { stateid: ANONYMOUS, attributes: { mask: [1 << 4], values: Buffer.alloc(4) } });
    expect(await attempt(putfh(root), short)).toBe(NFS4.ERR_BADXDR);
  });

  it('show each change, even within one tick of the clock', async () => {
    const file = await files.open(root, 'file');
    const seen = new Set<string>();
    for (let i = 0; i < 200; i++) {
      await files.write(file, 0, Buffer.from([i]));
      const { change } = await files.getattr(file.handle, 'change');
      seen.add(`${change.high}.${change.low}`);
    }
    expect(seen.size).toBe(200);
  });

  it('are compared by VERIFY and NVERIFY', async () => {
    const same = packAttributes({ type: 2 });
    const other = packAttributes({ type: 1 });
    expect(await attempt(putfh(root), op('VERIFY', { attributes: same }))).toBe(NFS4.OK);
    expect(await attempt(putfh(root), op('VERIFY', { attributes: other }))).toBe(NFS4.ERR_NOT_SAME);
    expect(await attempt(putfh(root), op('NVERIFY', { attributes: same }))).toBe(NFS4.ERR_SAME);
    expect(await attempt(putfh(root), op('NVERIFY', { attributes: other }))).toBe(NFS4.OK);
  });

  it('of all kinds are there', async () => {
    const { supported_attrs } = await files.getattr(root, 'supported_attrs');
    expect(supported_attrs).toEqual(supportedMask);
    const answer = await files.session.compound([putfh(root), op('GETATTR', { mask: readableMask })]);
    const [low, high] = answer.of('GETATTR').attributes.mask;
    // The REQUIRED ones, RFC 8881 5.6.
    expect((low! & 0b1011_1111_1111) >>> 0).toBe(0b1011_1111_1111 - 0b1000_0000_0000 + 0b1000_0000_0000);
    expect(high! & (1 << 1)).toBeTruthy();
    expect(await files.getattr(root, 'lease_time', 'maxread', 'fsid', 'owner')).toEqual({
      lease_time: 30,
      maxread: 1 << 20,
      fsid: { major: 0x1111111122224333n, minor: 0x8444555555555555n },
      owner: Buffer.from(String(process.geteuid?.())),
    });
  });
});

describe('directories', () => {
  it('of 10,000 files are listed whole, also while they change', async () => {
    for (let i = 0; i < 10_000; i++) writeFileSync(join(harness.data, `file ${i}`), '');
    const names = await files.list(root);
    expect(new Set(names).size).toBe(10_000);
    expect(names.length).toBe(10_000);
    const seen: string[] = [];
    let cookie = 0n;
    for (let page = 0, eof = false; !eof; page++) {
      const args = {
        cookie,
        verifier: Buffer.alloc(8),
        directoryBytes: 0,
        maxBytes: 65_536,
        mask: bitmapOf(['fileid']),
      };
      const answer = (await files.session.compound([putfh(root), op('READDIR', args)])).of('READDIR');
      for (const { name } of answer.entries) seen.push(name);
      eof = answer.eof;
      cookie = answer.entries.at(-1)?.cookie ?? cookie;
      await files.remove(root, seen[page * 7]!);
      writeFileSync(join(harness.data, `new ${page}`), '');
    }
    const old = seen.filter((name) => name.startsWith('file'));
    expect(new Set(old).size).toBe(10_000);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('answer bad requests', async () => {
    await files.mkdir(root, 'x'.repeat(200));
    const readdir = (more: object) =>
      attempt(
        putfh(root),
        op('READDIR', {
          cookie: 0n,
          verifier: Buffer.alloc(8),
          directoryBytes: 0,
          maxBytes: 4096,
          mask: [],
          ...more,
        }),
      );
    expect(await readdir({})).toBe(NFS4.OK);
    expect(await readdir({ cookie: 1n })).toBe(NFS4.ERR_BAD_COOKIE);
    expect(await readdir({ cookie: 2n })).toBe(NFS4.ERR_BAD_COOKIE);
    expect(await readdir({ maxBytes: 100 })).toBe(NFS4.ERR_TOOSMALL);
    expect(await readdir({ maxBytes: 10 })).toBe(NFS4.ERR_TOOSMALL);
    expect(await readdir({ cookie: 5n, verifier: Buffer.alloc(8, 1) })).toBe(NFS4.ERR_NOT_SAME);
    const file = await files.open(root, 'file');
    expect(
      await attempt(
        putfh(file.handle),
        op('READDIR', { cookie: 0n, verifier: Buffer.alloc(8), directoryBytes: 0, maxBytes: 999, mask: [] }),
      ),
    ).toBe(NFS4.ERR_NOTDIR);
  });

  it('rename, link and remove as POSIX has it', async () => {
    const a = await files.mkdir(root, 'a');
    const b = await files.mkdir(root, 'b');
    const file = await files.open(a, 'file');
    await files.write(file, 0, Buffer.from('1'));
    expect(await statusOf(files.remove(root, 'a'))).toBe(NFS4.ERR_NOTEMPTY);
    expect(await statusOf(files.rename(root, 'missing', root, 'x'))).toBe(NFS4.ERR_NOENT);
    expect(await statusOf(files.rename(root, 'b', a, 'file'))).toBe(NFS4.ERR_EXIST);
    expect(await statusOf(files.rename(root, 'a', a, 'inside'))).toBe(NFS4.ERR_INVAL);
    await files.rename(a, 'file', b, 'file');
    await files.session.compound([putfh(file.handle), op('SAVEFH', {}), putfh(root), op('LINK', { name: 'second' })]);
    expect(readFileSync(join(harness.data, 'second'), 'utf8')).toBe('1');
    // Two names of one file: a rename does nothing.
    await files.rename(root, 'second', b, 'file');
    expect((await files.list(root)).sort()).toEqual(['a', 'b', 'second']);
    const linkTo = (handle: Buffer, name: string) =>
      attempt(putfh(handle), op('SAVEFH', {}), putfh(root), op('LINK', { name }));
    expect(await linkTo(a, 'x')).toBe(NFS4.ERR_ISDIR);
    expect(await linkTo(file.handle, 'second')).toBe(NFS4.ERR_EXIST);
    await files.remove(root, 'a');
    expect(await statusOf(files.getattr(a, 'type'))).toBe(NFS4.ERR_STALE);
    expect(await statusOf(files.remove(b, 'missing'))).toBe(NFS4.ERR_NOENT);
  });

  it.each([
    ['symlink', { type: 5, target: 'to' }, 5],
    ['FIFO', { type: 7 }, 7],
    ['socket', { type: 6 }, 6],
    ['directory', { type: 2 }, 2],
  ] as const)('take a %s', async (_, object, type) => {
    const create = op('CREATE', { object, name: 'it', attributes: packAttributes({ mode: 0o600 }) });
    await files.session.compound([putfh(root), create]);
    expect(await files.getattr(await files.lookup(root, 'it'), 'type')).toEqual({ type });
    expect(await attempt(putfh(root), create)).toBe(NFS4.ERR_EXIST);
  });

  it.runIf(isRoot)('take a device', async () => {
    const object = { type: 4, major: 1, minor: 300 } as const;
    await files.session.compound([putfh(root), op('CREATE', { object, name: 'it', attributes: packAttributes({}) })]);
    const device = await files.lookup(root, 'it');
    expect(await files.getattr(device, 'rawdev')).toEqual({ rawdev: { major: 1, minor: 300 } });
    expect(await attempt(putfh(device), op('READ', { stateid: ANONYMOUS, offset: 0, count: 1 }))).toBe(
      NFS4.ERR_WRONG_TYPE,
    );
  });

  it('cannot CREATE a regular file', async () => {
    const create = op('CREATE', { object: { type: 1 }, name: 'it', attributes: packAttributes({}) });
    expect(await attempt(putfh(root), create)).toBe(NFS4.ERR_BADTYPE);
  });
});

describe('stateids', () => {
  it('of the compound itself are known as the current one', async () => {
    const answers = await files.session.compound([
      putfh(root),
      openCall(files.session.clientId, 'file'),
      op('WRITE', { stateid: CURRENT, offset: 0, stable: 0, data: Buffer.from('x') }),
      op('CLOSE', { seqid: 0, stateid: CURRENT }),
    ]);
    expect(answers.of('WRITE').count).toBe(1);
    expect(await attempt(putfh(root), op('CLOSE', { seqid: 0, stateid: CURRENT }))).toBe(NFS4.ERR_BAD_STATEID);
  });
});
