import { closeSync } from 'node:fs';
import { addressOf, errorCode, libcBpf } from './libc.ts';

// include/uapi/linux/bpf.h
const PROG_LOAD = 5;
const OBJ_PIN = 6;
const RAW_TRACEPOINT_OPEN = 17;
const PROG_TYPE_LSM = 29;
const ATTACH_LSM_MAC = 27;
const ATTR_BYTES = 128;
const LOG_BYTES = 64 << 10;
const INSTRUCTION_BYTES = 8;

/**
 * Loads a program for a hook of the security modules and attaches it there; it works until the descriptor that is
 * returned and all pins of it are gone. `license` is what the kernel is told, which takes only what goes with its own.
 */
export function attachSecurityHook(options: {
  name: string;
  hook: number;
  instructions: Buffer;
  license: string;
}): number {
  const { name, hook, instructions } = options;
  const license = Buffer.from(`${options.license}\0`);
  const load = Buffer.alloc(ATTR_BYTES);
  load.writeUInt32LE(PROG_TYPE_LSM, 0);
  load.writeUInt32LE(instructions.length / INSTRUCTION_BYTES, 4);
  load.writeBigUInt64LE(addressOf(instructions), 8);
  load.writeBigUInt64LE(addressOf(license), 16);
  load.write(name.slice(0, 15), 48);
  load.writeUInt32LE(ATTACH_LSM_MAC, 68);
  load.writeUInt32LE(hook, 108);
  const program = loadProgram(name, load);
  const attach = Buffer.alloc(16);
  attach.writeUInt32LE(program, 8);
  try {
    return libcBpf(`attach ${name}`, RAW_TRACEPOINT_OPEN, attach);
  } finally {
    closeSync(program); // what is attached keeps it
  }
}

/** A second attempt asks the verifier for its reasons, which the first one would have to wait for. */
function loadProgram(name: string, load: Buffer): number {
  try {
    return libcBpf(`load ${name}`, PROG_LOAD, load);
  } catch (error) {
    if (errorCode(error) !== 'EACCES' && errorCode(error) !== 'EINVAL') throw error;
    const log = Buffer.alloc(LOG_BYTES);
    load.writeUInt32LE(1, 24);
    load.writeUInt32LE(log.length, 28);
    load.writeBigUInt64LE(addressOf(log), 32);
    try {
      return libcBpf(`load ${name}`, PROG_LOAD, load);
    } catch {
      throw new Error(`load ${name}: ${log.toString('utf8', 0, log.indexOf(0)).trim().slice(-1_000)}`, {
        cause: error,
      });
    }
  }
}

/** Keeps what is attached after this process has ended; `path` is in a mounted bpf file system. */
export function pinDescriptor(fd: number, path: string): void {
  const name = Buffer.from(`${path}\0`);
  const pin = Buffer.alloc(16);
  pin.writeBigUInt64LE(addressOf(name), 0);
  pin.writeUInt32LE(fd, 8);
  libcBpf(`pin ${path}`, OBJ_PIN, pin);
}
