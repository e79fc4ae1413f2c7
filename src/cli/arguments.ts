import { isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { CIDR_EXPECTED, isCidr, LISTEN_EXPECTED, parseAddress } from '../config/network.ts';
import { DURATION_EXPECTED, parseDuration, parseQuantity, QUANTITY_EXPECTED } from '../config/quantity.ts';
import { TOPOLOGY_EXPECTED, TOPOLOGY_VALUE } from '../config/topology-value.ts';

/** Parsers of option and argument values, for commander. */

export function sizeArgument(value: string): bigint {
  const bytes = parseQuantity(value);
  if (bytes === undefined || bytes === 0n) throw new InvalidArgumentError(`Expected ${QUANTITY_EXPECTED}.`);
  return bytes;
}

/** A new size, or `+` and how much is added. */
export interface SizeChange {
  relative: boolean;
  bytes: bigint;
}

export const sizeChangeArgument = (value: string): SizeChange =>
  value.startsWith('+')
    ? { relative: true, bytes: sizeArgument(value.slice(1)) }
    : { relative: false, bytes: sizeArgument(value) };

export function durationArgument(value: string): number {
  const ms = parseDuration(value);
  if (ms === undefined || ms === 0) throw new InvalidArgumentError(`Expected ${DURATION_EXPECTED}.`);
  return ms;
}

export function textArgument(value: string): string {
  if (value === '') throw new InvalidArgumentError('Expected text that is not empty.');
  return value;
}

/** Where to listen; stays text. */
export function listenArgument(value: string): string {
  if (parseAddress(value) === undefined) throw new InvalidArgumentError(`${capital(LISTEN_EXPECTED)}.`);
  return value;
}

/** An IP address. Empty text is as good as none. */
export function addressArgument(value: string): string {
  if (value !== '' && isIP(value) === 0) throw new InvalidArgumentError('Expected an IP address.');
  return value;
}

/** A block of addresses; stays text. */
export function cidrArgument(value: string): string {
  if (!isCidr(value)) throw new InvalidArgumentError(`${capital(CIDR_EXPECTED)}.`);
  return value;
}

const capital = (expected: string): string => expected.replace(/^e/, 'E');

/** A value of CSI's topology. Empty text is as good as none: that is how an absent label comes. */
export function topologyArgument(value: string): string {
  if (value !== '' && !TOPOLOGY_VALUE.test(value)) {
    throw new InvalidArgumentError(capital(TOPOLOGY_EXPECTED));
  }
  return value;
}

export function listArgument(value: string): string[] {
  const items = value.split(',').map((item) => item.trim());
  if (items.includes('')) throw new InvalidArgumentError('Expected words, separated by commas.');
  return items;
}
