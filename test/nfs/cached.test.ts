import {
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statCached } from '../../src/nfs/fs/cached.ts';

describe('attributes from the kernel’s memory', () => {
  let folder: string;
  let fd: number;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'berth-cached-'));
    fd = openSync(folder, 'r');
  });
  afterAll(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  const bytes = (name: string): Buffer => Buffer.from(`${folder}/${name}`, 'latin1');

  it.each([
    ['a file', 'file', (path: Buffer) => writeFileSync(path, 'abc')],
    ['a directory', 'directory', (path: Buffer) => mkdirSync(path)],
    ['a symbolic link, which is not followed', 'link', (path: Buffer) => symlinkSync('file', path)],
    ['a name that is no text', '\xff\x01', (path: Buffer) => writeFileSync(path, 'abc')],
    ['the longest name', 'n'.repeat(255), (path: Buffer) => writeFileSync(path, 'abc')],
    ['a short name after it', 'n', (path: Buffer) => writeFileSync(path, 'abcd')],
  ])('%s', (_, name, make) => {
    make(bytes(name));
    expect(statCached(fd, name)).toEqual(lstatSync(bytes(name), { bigint: true }));
  });

  it('nothing of a name that is not there', () => {
    expect(statCached(fd, 'nothing')).toBeUndefined();
  });

  it('nothing of another file system, which may have to ask somebody', () => {
    const root = openSync('/', 'r');
    try {
      expect(statCached(root, 'proc')).toBeUndefined();
    } finally {
      closeSync(root);
    }
  });

  it('leaves no descriptor open', () => {
    const count = (): number => readdirSync('/proc/self/fd').length;
    writeFileSync(bytes('often'), '');
    const before = count();
    for (let i = 0; i < 10; i++) statCached(fd, 'often');
    expect(count()).toBe(before);
  });
});
