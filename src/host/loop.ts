import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setReadOnlyDevice, withDevice } from './block.ts';
import { ioctl } from './ioctl.ts';
import { errorCode } from './libc.ts';

// include/uapi/linux/loop.h
const CTL_GET_FREE = 0x4c82;
const CLR_FD = 0x4c01;
const SET_STATUS64 = 0x4c04;
const GET_STATUS64 = 0x4c05;
const SET_CAPACITY = 0x4c07;
const CONFIGURE = 0x4c0a;
const FLAG_READ_ONLY = 1;
const FLAG_AUTOCLEAR = 4;
const FLAG_DIRECT_IO = 16;
const CONFIG_SIZE = 304;
const STATUS_SIZE = 232;
const STATUS_FLAGS = 52;
const ATTACH_ATTEMPTS = 64;

/** What backs a loop device: `device` and `inode` are the file's own, whatever its name is now. */
export interface LoopDevice {
  path: string;
  device: bigint;
  inode: bigint;
  directIo: boolean;
  readOnly: boolean;
  /** Detaches itself when its last user closes it: asked for at the start, or a detach that came while it was in use. */
  autoclear: boolean;
}

/**
 * Attaches the file open as `fileFd` to a free loop device in one step (LOOP_CONFIGURE, Linux 5.8) and returns its
 * path. Direct I/O is asked for and dropped by the kernel where the file system cannot do it.
 */
export function attachLoop(
  fileFd: number,
  options: { name: string; readOnly: boolean; directIo: boolean; autoclear?: boolean },
): string {
  const control = openSync('/dev/loop-control', constants.O_RDWR);
  try {
    for (let attempt = 0; ; attempt++) {
      const number = ioctl(control, CTL_GET_FREE, 0, 'find a free loop device');
      const path = `/dev/loop${number}`;
      try {
        configure(path, fileFd, options);
        return path;
      } catch (error) {
        // Somebody else took the device between the two calls.
        if (errorCode(error) !== 'EBUSY' || attempt === ATTACH_ATTEMPTS) throw error;
      }
    }
  } finally {
    closeSync(control);
  }
}

function configure(
  path: string,
  fileFd: number,
  options: { name: string; readOnly: boolean; directIo: boolean; autoclear?: boolean },
): void {
  const config = Buffer.alloc(CONFIG_SIZE);
  config.writeUInt32LE(fileFd, 0);
  const flags =
    (options.readOnly ? FLAG_READ_ONLY : 0) |
    (options.directIo ? FLAG_DIRECT_IO : 0) |
    (options.autoclear ? FLAG_AUTOCLEAR : 0);
  config.writeUInt32LE(flags, 8 + 52);
  config.write(options.name.slice(0, 63), 8 + 56);
  const fd = openSync(path, constants.O_RDWR);
  try {
    ioctl(fd, CONFIGURE, config, `attach ${path}`);
    // What the device's last file was made is still on it (BLKROSET).
    if (!options.readOnly) setReadOnlyDevice(fd, false);
  } finally {
    closeSync(fd);
  }
}

/** Detaches a loop device; the kernel waits for the last user. A device that has nothing attached is fine. */
export function detachLoop(path: string): void {
  withDevice(path, (fd) => {
    setReadOnlyDevice(fd, false); // the next to attach a file may not look
    try {
      ioctl(fd, CLR_FD, 0, `detach ${path}`);
    } catch (error) {
      if (errorCode(error) !== 'ENXIO') throw error;
    }
  });
}

/** Makes the loop device as large as its file has become. */
export function refreshLoopSize(path: string): void {
  withDevice(path, (fd) => ioctl(fd, SET_CAPACITY, 0, `resize ${path}`));
}

/** What is attached to `path`, or undefined when nothing is. */
export function loopStatus(path: string): LoopDevice | undefined {
  return withDevice(path, (fd) => {
    const info = readStatus(fd, path);
    return info && describe(path, info);
  });
}

/**
 * Takes back a detach that waits for the last user, so that the device stays. False when the device is not attached to
 * `file` any more.
 */
export function keepLoop(file: Pick<LoopDevice, 'path' | 'device' | 'inode'>): boolean {
  // While this descriptor is open the kernel cannot give the device to another file.
  return withDevice(file.path, (fd) => {
    const info = readStatus(fd, file.path);
    if (info === undefined) return false;
    const loop = describe(file.path, info);
    if (loop.inode !== file.inode || loop.device !== file.device) return false;
    if (!loop.autoclear) return true;
    info.writeUInt32LE(info.readUInt32LE(STATUS_FLAGS) & ~FLAG_AUTOCLEAR, STATUS_FLAGS);
    ioctl(fd, SET_STATUS64, info, `keep ${file.path}`);
    return true;
  });
}

/** The raw loop_info64, or undefined when nothing is attached. */
function readStatus(fd: number, path: string): Buffer | undefined {
  const info = Buffer.alloc(STATUS_SIZE);
  try {
    ioctl(fd, GET_STATUS64, info, `status of ${path}`);
    return info;
  } catch (error) {
    if (errorCode(error) === 'ENXIO') return undefined;
    throw error;
  }
}

function describe(path: string, info: Buffer): LoopDevice {
  const flags = info.readUInt32LE(STATUS_FLAGS);
  return {
    path,
    device: info.readBigUInt64LE(0),
    inode: info.readBigUInt64LE(8),
    directIo: (flags & FLAG_DIRECT_IO) !== 0,
    readOnly: (flags & FLAG_READ_ONLY) !== 0,
    autoclear: (flags & FLAG_AUTOCLEAR) !== 0,
  };
}

/**
 * The loop devices that the file open as `fileFd` is attached to. Only devices whose backing path holds `nameHint`, the
 * file's own name or path, are opened: asking any other for its status can hang with that one's file system.
 */
export function loopsOf(fileFd: number, nameHint: string): LoopDevice[] {
  const file = fstatSync(fileFd, { bigint: true });
  return attachedLoopNames(nameHint)
    .map((name) => loopStatus(`/dev/${name}`))
    .filter((loop) => loop !== undefined && loop.inode === file.ino && loop.device === kernelDevice(file.dev))
    .map((loop) => loop!);
}

/** Names of the loop devices in use whose backing path holds `hint`, from sysfs, without opening any. */
export function attachedLoopNames(hint = ''): string[] {
  return readdirSync('/sys/block').filter((name) => {
    if (!/^loop\d+$/.test(name) || !existsSync(`/sys/block/${name}/loop`)) return false;
    try {
      const backingFile = readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8');
      return backingFile !== '' && backingFile.includes(hint);
    } catch {
      return false; // it has been detached meanwhile
    }
  });
}

/** LOOP_GET_STATUS64 gives the file's st_dev as huge_encode_dev does, which is what stat(2) gives as well. */
const kernelDevice = (stDev: bigint): bigint => stDev;
