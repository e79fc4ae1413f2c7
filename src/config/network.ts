import { isIP } from 'node:net';

export const CIDR_EXPECTED = 'expected a block of addresses, such as 10.0.0.0/8 or fd00::/8';

export function isCidr(value: string): boolean {
  const [, address = '', bits = ''] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(value) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128);
}

/** Whether `host:port` can be reached from this machine only. */
export const isLoopback = (address: string): boolean => /^(127\.[\d.]+|localhost|\[::1\]):\d+$/.test(address);

export const LISTEN_EXPECTED = 'expected host:port, such as 127.0.0.1:9810 or [::1]:9810';

/** Reads host:port, where an IPv6 address is in brackets. Undefined when it is something else. */
export function parseAddress(value: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  return match !== null && port <= 65_535 ? { host: (match[1] ?? match[2])!, port } : undefined;
}
