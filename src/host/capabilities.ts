import { libcCapget, libcCapset } from './libc.ts';

// include/uapi/linux/capability.h
const VERSION_3 = 0x20080522;
/** Bits, by their numbers in the kernel. */
export const CAP_SYS_ADMIN = 21;

/** Does something as a thread that lacks a capability (below 32), and takes it back. Other threads keep theirs. */
export function withoutCapability<T>(capability: number, act: () => T): T {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(VERSION_3, 0);
  const usual = Buffer.alloc(24); // effective, permitted, inheritable; then the same for 32 and above
  libcCapget('', header, usual);
  const reduced = Buffer.from(usual);
  reduced.writeUInt32LE((reduced.readUInt32LE(0) & ~(1 << capability)) >>> 0, 0);
  libcCapset('', header, reduced);
  try {
    return act();
  } finally {
    libcCapset('', header, usual);
  }
}
