import fs, { type BigIntStats, type OpenMode, type PathLike } from 'node:fs';

/**
 * The asynchronous file system calls that the server uses. Node's callback interface was measured against its promises
 * and against asynchronous calls through koffi: it takes the least time of both threads.
 */
type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

const call = <T>(start: (done: Callback<T>) => void): Promise<T> =>
  new Promise((resolve, reject) => {
    start((error, value) => (error === null ? resolve(value) : reject(error)));
  });

const BIGINT = { bigint: true } as const;

export const lstat = (path: PathLike): Promise<BigIntStats> => call((done) => fs.lstat(path, BIGINT, done));
export const stat = (path: PathLike): Promise<BigIntStats> => call((done) => fs.stat(path, BIGINT, done));
export const fstat = (fd: number): Promise<BigIntStats> => call((done) => fs.fstat(fd, BIGINT, done));
/** For an open file of a file system whose attributes of open files are in memory: does not wait, and no thread is woken. */
export const fstatAtOnce = (fd: number): BigIntStats => fs.fstatSync(fd, BIGINT);
export const statfs = (path: PathLike): Promise<fs.BigIntStatsFs> => call((done) => fs.statfs(path, BIGINT, done));
export const open = (path: PathLike, flags: OpenMode, mode = 0o600): Promise<number> =>
  call((done) => fs.open(path, flags, mode, done));
/** Reads up to the buffer's length; less only at the end of the file. */
export const read = (fd: number, buffer: Buffer, positionBytes: number): Promise<number> =>
  call((done) => fs.read(fd, buffer, 0, buffer.length, positionBytes, done));
export const write = (fd: number, buffer: Buffer, positionBytes: number): Promise<number> =>
  call((done) => fs.write(fd, buffer, 0, buffer.length, positionBytes, done));
/** The names of a directory, one character a byte. */
export const readdir = (path: PathLike): Promise<string[]> =>
  call((done) => fs.readdir(path, { encoding: 'latin1' }, done as Callback<string[]>));
/** A link's target, one character a byte. */
export const readlink = (path: PathLike): Promise<string> =>
  call((done) => fs.readlink(path, { encoding: 'latin1' }, done as Callback<string>));

type Finish = (error: NodeJS.ErrnoException | null) => void;
const act = (start: (done: Finish) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    start((error) => (error === null ? resolve() : reject(error)));
  });

export const fsync = (fd: number): Promise<void> => act((done) => fs.fsync(fd, done));
export const fdatasync = (fd: number): Promise<void> => act((done) => fs.fdatasync(fd, done));
export const ftruncate = (fd: number, sizeBytes: number): Promise<void> =>
  act((done) => fs.ftruncate(fd, sizeBytes, done));
export const fchmod = (fd: number, mode: number): Promise<void> => act((done) => fs.fchmod(fd, mode, done));
export const chmod = (path: PathLike, mode: number): Promise<void> => act((done) => fs.chmod(path, mode, done));
export const chown = (path: PathLike, uid: number, gid: number): Promise<void> =>
  act((done) => fs.chown(path, uid, gid, done));
export const lchown = (path: PathLike, uid: number, gid: number): Promise<void> =>
  act((done) => fs.lchown(path, uid, gid, done));
export const fchown = (fd: number, uid: number, gid: number): Promise<void> =>
  act((done) => fs.fchown(fd, uid, gid, done));
export const mkdir = (path: PathLike, mode: number): Promise<void> => act((done) => fs.mkdir(path, { mode }, done));
export const rmdir = (path: PathLike): Promise<void> => act((done) => fs.rmdir(path, done));
export const unlink = (path: PathLike): Promise<void> => act((done) => fs.unlink(path, done));
export const rename = (from: PathLike, to: PathLike): Promise<void> => act((done) => fs.rename(from, to, done));
export const link = (from: PathLike, to: PathLike): Promise<void> => act((done) => fs.link(from, to, done));
export const symlink = (target: PathLike, path: PathLike): Promise<void> =>
  act((done) => fs.symlink(target, path, done));
/** Errors are of no use: the descriptor is gone either way. */
export const close = (fd: number): void => fs.close(fd, () => {});
