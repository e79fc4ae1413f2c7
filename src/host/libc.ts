import { constants as osConstants } from 'node:os';
import koffi from 'koffi';

/**
 * Bindings to the C library. Every function here is synchronous and may block in the kernel: outside start-up they
 * are called on a pool's own thread only (design §2.1).
 */
const libc = koffi.load(null);

/** A system call that failed; `code` is the errno's name (`ENOENT`), as in Node's own errors. */
export class SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number, subject = '') {
    const code = errnoName(errno);
    super(`${syscall}${subject && ` ${subject}`}: ${code} (${errno})`);
    this.name = 'SystemError';
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

const names = new Map(Object.entries(osConstants.errno).map(([name, number]) => [number, name]));
// Numbers with two names, by the one that Node's own errors use, and Linux numbers that Node does not list.
for (const [number, name] of [
  [6, 'ENXIO'],
  [11, 'EAGAIN'],
  [95, 'EOPNOTSUPP'],
  [117, 'EUCLEAN'],
  [122, 'EDQUOT'],
  [123, 'ENOMEDIUM'],
] as const) {
  names.set(number, name);
}

function errnoName(errno: number): string {
  return names.get(errno) ?? `E${errno}`;
}

// include/uapi/asm-generic/errno.h: what a file system says and Node has no name for.
const UNNAMED: Record<number, string> = { [-116]: 'ESTALE', [-117]: 'EUCLEAN', [-122]: 'EDQUOT' };

/** The errno name of anything thrown, or undefined when it is not from the system. */
export function errorCode(error: unknown): string | undefined {
  const { code, errno } = (error as { code?: unknown; errno?: unknown } | null) ?? {};
  if (typeof code !== 'string') return undefined;
  return code.startsWith('Unknown system error') ? (UNNAMED[Number(errno)] ?? code) : code;
}

type Native = (...args: unknown[]) => number;

/** Wraps a libc function that returns -1 and sets errno; `subject` names what it was about, for the message. */
function bind(name: string, signature: string): (subject: string, ...args: unknown[]) => number {
  const native = libc.func(signature) as unknown as Native;
  return (subject, ...args) => {
    const result = native(...args);
    if (result === -1) throw new SystemError(name, koffi.errno(), subject);
    return result;
  };
}

/** The address of a buffer, for structures that hold pointers. The caller keeps the buffer alive. */
export function addressOf(buffer: Buffer): bigint {
  return koffi.address(buffer);
}

export const libcIoctl = bind('ioctl', 'int ioctl(int fd, unsigned long request, void *arg)');
export const libcIoctlNumber = bind('ioctl', 'int ioctl(int fd, unsigned long request, long arg)');
export const libcMount = bind(
  'mount',
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
);
export const libcUmount2 = bind('umount2', 'int umount2(const char *target, int flags)');
export const libcSyncfs = bind('syncfs', 'int syncfs(int fd)');
export const libcFlock = bind('flock', 'int flock(int fd, int operation)');
export const libcFallocate = bind('fallocate', 'int fallocate(int fd, int mode, int64_t offset, int64_t length)');
export const libcLseek = bind('lseek', 'int64_t lseek(int fd, int64_t offset, int whence)');
/** Returns -1 without an error thrown: with RWF_NOWAIT, which does not block, that is an everyday answer. */
export const libcPreadv2 = libc.func(
  'intptr_t preadv2(int fd, const void *vectors, int count, int64_t offset, int flags)',
) as unknown as (fd: number, vectors: Buffer, count: number, offset: number, flags: number) => number;
export const libcCopyFileRange = bind(
  'copy_file_range',
  'intptr_t copy_file_range(int from, void *fromOffset, int to, void *toOffset, size_t length, unsigned int flags)',
);
export const libcUnlinkat = bind('unlinkat', 'int unlinkat(int dirfd, const char *path, int flags)');
export const libcFsetxattr = bind(
  'fsetxattr',
  'int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)',
);
export const libcFgetxattr = bind(
  'fgetxattr',
  'intptr_t fgetxattr(int fd, const char *name, void *value, size_t size)',
);
export const libcCapget = bind('capget', 'int capget(void *header, void *data)');
export const libcCapset = bind('capset', 'int capset(void *header, void *data)');
export const libcSocket = bind('socket', 'int socket(int domain, int type, int protocol)');
export const libcBind = bind('bind', 'int bind(int fd, const void *address, uint32_t length)');
export const libcRecv = bind('recv', 'intptr_t recv(int fd, void *buffer, size_t length, int flags)');
export const libcSetsockopt = bind(
  'setsockopt',
  'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
);

// openat2 and renameat2 have no wrapper in every libc; their numbers are the same on x86-64 and arm64 for openat2 only.
const OPENAT2 = 437;
const RENAMEAT2 = process.arch === 'arm64' ? 276 : 316;
const nativeOpenat2 = bind('openat2', 'long syscall(long number, int dirfd, const char *path, void *how, size_t size)');
const quietOpenat2 = libc.func(
  'long syscall(long number, int dirfd, const void *path, void *how, size_t size)',
) as unknown as Native;
const nativeRenameat2 = bind(
  'renameat2',
  'long syscall(long number, int olddir, const char *old, int newdir, const char *new, unsigned int flags)',
);

export const libcOpenat2 = (subject: string, dirfd: number, path: string, how: Buffer): number =>
  nativeOpenat2(subject, OPENAT2, dirfd, path, how, how.length);
/** Returns -1 without an error thrown, as preadv2 does: RESOLVE_CACHED fails every day. */
export const libcOpenat2Quietly = (dirfd: number, path: Buffer, how: Buffer): number =>
  quietOpenat2(OPENAT2, dirfd, path, how, how.length);
export const libcRenameat2 = (
  subject: string,
  oldDir: number,
  oldPath: string,
  newDir: number,
  newPath: string,
  flags: number,
): number => nativeRenameat2(subject, RENAMEAT2, oldDir, oldPath, newDir, newPath, flags);

const BPF = process.arch === 'arm64' ? 280 : 321;
const nativeBpf = bind('bpf', 'long syscall(long number, int command, void *attributes, unsigned int size)');
export const libcBpf = (subject: string, command: number, attributes: Buffer): number =>
  nativeBpf(subject, BPF, command, attributes, attributes.length);

type NativeAsync = { async(...args: unknown[]): void };

/** The same, run on one of libuv's threads; koffi brings the errno of that thread along. */
function bindAsync(name: string, signature: string): (subject: string, ...args: unknown[]) => Promise<number> {
  const native = libc.func(signature) as unknown as NativeAsync;
  return (subject, ...args) =>
    new Promise((resolve, reject) => {
      native.async(...args, (error: Error | null, result: number) => {
        if (error !== null) reject(error);
        else if (result === -1) reject(new SystemError(name, koffi.errno(), subject));
        else resolve(result);
      });
    });
}

export const libcMknodat = bindAsync(
  'mknodat',
  'int mknodat(int dirfd, const void *path, unsigned int mode, unsigned long device)',
);
export const libcUtimensat = bindAsync(
  'utimensat',
  'int utimensat(int dirfd, const void *path, const void *times, int flags)',
);
export const libcFcntl = bind('fcntl', 'int fcntl(int fd, int command, void *argument)');
export const libcLinkat = bindAsync(
  'linkat',
  'int linkat(int olddir, const void *old, int newdir, const void *new, int flags)',
);
