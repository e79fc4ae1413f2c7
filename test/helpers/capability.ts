import { readFileSync } from 'node:fs';

const CAP_SYS_RESOURCE = 24n;

/** Whether the kernel lets us grow a mounted ext4; root in some sandboxes may not. */
export function mayGrowExt4(): boolean {
  const [, effective] = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  return (BigInt(`0x${effective}`) & (1n << CAP_SYS_RESOURCE)) !== 0n;
}
