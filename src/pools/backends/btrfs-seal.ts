import { closeSync, existsSync, renameSync, rmSync } from 'node:fs';
import { attachSecurityHook, pinDescriptor } from '../../host/bpf.ts';
import { readKernelTypes } from '../../host/btf.ts';
import { createSubvolume, destroySubvolume } from '../../host/btrfs.ts';
import { CAP_SYS_ADMIN, withoutCapability } from '../../host/capabilities.ts';
import { errorCode } from '../../host/libc.ts';
import type { Place } from '../backend.ts';
import { sealedMembers, sealProgram } from './btrfs-seal-program.ts';

const PINS = '/sys/fs/bpf';
/** 32-bit programs have a hook of their own since Linux 6.8. */
const HOOKS = ['file_ioctl', 'file_ioctl_compat'];
/** The kernel attaches only programs whose licence goes with its own; the program is under either of these. */
const LICENSE = 'Dual MIT/GPL';

export interface Seal {
  /** Whether it stays when this process ends. */
  pinned: boolean;
  close(): void;
}

/**
 * Has the kernel refuse subvolumes inside volumes, by a BPF program at its security hooks, so that nobody gets around
 * the limit of his volume. Needs a kernel with BPF among its security modules (CONFIG_BPF_LSM, and `bpf` in `lsm=`).
 * That it works is tried out at `probe`, a free place on the file system. Throws when it does not.
 */
export function sealFilesystem(uuid: string, probe: Place): Seal {
  const functions = HOOKS.map((hook) => `bpf_lsm_${hook}`);
  const types = readKernelTypes({ functions, members: sealedMembers });
  const instructions = sealProgram(uuid, types);
  const links: { fd: number; path: string }[] = [];
  const close = (): void => {
    for (const { fd } of links.splice(0)) closeSync(fd);
  };
  try {
    for (const [name, hook] of types.functions) {
      const fd = attachSecurityHook({ name: 'berth_seal', hook, instructions, license: LICENSE });
      links.push({ fd, path: `${PINS}/berth-${uuid}-${name.slice('bpf_lsm_'.length)}` });
    }
    requireRefusal(probe);
    return { pinned: links.every(({ fd, path }) => pin(fd, path)), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** A kernel that has the hooks may still never call them. */
function requireRefusal(probe: Place): void {
  removeProbe(probe); // a process that was killed may have left it
  try {
    withoutCapability(CAP_SYS_ADMIN, () => createSubvolume(probe.dirFd, probe.name));
  } catch (error) {
    if (errorCode(error) === 'EPERM') return;
    throw error;
  }
  removeProbe(probe);
  throw new Error('the kernel does not ask BPF programs (`bpf` is not in lsm=)');
}

function removeProbe({ dirFd, name }: Place): void {
  try {
    destroySubvolume(dirFd, name);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** The pin of an earlier process is replaced in one step, so that the file system is never without. */
function pin(fd: number, path: string): boolean {
  if (!existsSync(PINS)) return false;
  try {
    rmSync(`${path}-new`, { force: true });
    pinDescriptor(fd, `${path}-new`);
    renameSync(`${path}-new`, path);
    return true;
  } catch {
    return false;
  }
}
