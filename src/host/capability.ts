import { readFileSync } from 'node:fs';

// include/uapi/linux/capability.h
const NUMBERS = { CAP_SYS_ADMIN: 21n, CAP_SYS_RESOURCE: 24n } as const;

/** Whether this process may do what the capability allows; being root is not enough in a sandbox. */
export function hasCapability(name: keyof typeof NUMBERS): boolean {
  const [, effective] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> NUMBERS[name]) & 1n) === 1n;
}
