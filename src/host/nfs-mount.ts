import { readFileSync } from 'node:fs';
import { type Mount, mountAt, readMounts } from './mountinfo.ts';
import { type RunError, run } from './run.ts';
import { urlHost } from './url-host.ts';

/**
 * NFS mounts by child processes: any system call on them may sleep for as long as the server is away, and must
 * then hold up neither this process nor its threads. `mount -i` calls mount(2) itself, without helpers (mount(8)).
 */
const MOUNT_MS = 20_000;
const UNMOUNT_MS = 10_000;
const LOOK_MS = 5_000;

/**
 * After 30 s without an answer a request goes out again, and after two of these its caller gets EIO: longer than a
 * restart of the server takes, and no pod waits for ever (nfs(5)).
 */
const OPTIONS = ['vers=4.1', 'sec=sys', 'soft', 'timeo=300', 'retrans=2', 'noresvport', 'clientaddr=0.0.0.0'];

export interface NfsSource {
  address: string;
  port: number;
  name: string;
}

export type NfsMountProblem = 'NO_CLIENT' | 'REFUSED' | 'FAILED';

export class NfsMountError extends Error {
  readonly problem: NfsMountProblem;

  constructor(problem: NfsMountProblem, message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'NfsMountError';
    this.problem = problem;
  }
}

const sourceText = ({ address, name }: Pick<NfsSource, 'address' | 'name'>): string => `${urlHost(address)}:/${name}`;

/** Mounts an export of NFS 4.1. Rejects with NfsMountError. */
export async function mountNfs(source: NfsSource, target: string, flags: readonly string[]): Promise<void> {
  const { address, port } = source;
  const transport = address.includes(':') ? 'proto=tcp6' : 'proto=tcp';
  const options = [...OPTIONS, transport, `addr=${address}`, `port=${port}`, ...flags].join(',');
  try {
    // Without -w it would try again read-only when it is refused.
    const args = [
      '-i',
      ...(flags.includes('ro') ? [] : ['-w']),
      '-t',
      'nfs4',
      '-o',
      options,
      sourceText(source),
      target,
    ];
    await run('mount', args, { timeoutMs: MOUNT_MS });
  } catch (error) {
    const { stderr, code, message } = error as RunError;
    const text = stderr.trim().split('\n')[0] || message;
    if (/unknown filesystem type|No such device/i.test(stderr) && !kernelHas('nfs4')) {
      throw new NfsMountError('NO_CLIENT', text, error);
    }
    // What it says of EACCES, depending on how it was to be mounted.
    if (/permission denied|write-protected|cannot mount \S+ read-only/i.test(stderr))
      throw new NfsMountError('REFUSED', text, error);
    throw new NfsMountError('FAILED', code === 'TIMED_OUT' ? 'it does not answer' : text, error);
  }
}

const kernelHas = (type: string): boolean =>
  readFileSync('/proc/filesystems', 'utf8')
    .split('\n')
    .some((line) => line.trim() === type);

/** The topmost mount at `path`, if it is the export `name` of some server. */
export const nfsMountAt = (path: string, name: string): Mount | undefined => {
  const mount = mountAt(path);
  return mount?.fsType === 'nfs4' && mount.source.endsWith(`:/${name}`) ? mount : undefined;
};

export const nfsMountsOf = (name: string): Mount[] =>
  readMounts().filter(({ fsType, source }) => fsType === 'nfs4' && source.endsWith(`:/${name}`));

/** Shows what is mounted at `source` at `target` too. */
export async function bindNfs(source: string, target: string, flags: readonly string[]): Promise<void> {
  await run('mount', ['-i', '-o', ['bind', ...flags].join(','), source, target], { timeoutMs: MOUNT_MS });
}

/** Takes away one more view of what is mounted elsewhere as well. */
export async function unbindNfs(path: string): Promise<void> {
  await run('umount', ['--lazy', '--no-canonicalize', '-i', path], { timeoutMs: UNMOUNT_MS });
}

/** Writes back what is not yet written; when the server does not take it in time, gives it up. */
export async function unmountNfs(path: string): Promise<void> {
  try {
    await run('umount', ['--no-canonicalize', '-i', path], { timeoutMs: UNMOUNT_MS });
  } catch (error) {
    if (/busy/i.test((error as RunError).stderr)) throw error;
    await run('umount', ['--force', '--lazy', '--no-canonicalize', '-i', path], { timeoutMs: UNMOUNT_MS });
  }
}

/** Gives the group its rights on the root of what is mounted. */
export async function shareWithGroup(path: string, group: string): Promise<void> {
  await run('chgrp', [group, path], { timeoutMs: MOUNT_MS });
  await run('chmod', ['g+rwxs', path], { timeoutMs: MOUNT_MS });
}

/** As statfs(2). */
export async function measureNfs(
  path: string,
): Promise<Record<'blockBytes' | 'blocks' | 'available' | 'inodes' | 'freeInodes', bigint>> {
  const { stdout } = await run('stat', ['--file-system', '--format=%S %b %a %c %d', path], { timeoutMs: LOOK_MS });
  const [blockBytes, blocks, available, inodes, freeInodes] = stdout.trim().split(' ').map(BigInt);
  return { blockBytes: blockBytes!, blocks: blocks!, available: available!, inodes: inodes!, freeInodes: freeInodes! };
}
