import { posix } from 'node:path';
import * as z from 'zod';
import { SOCKET_PATH_MAX_BYTES } from '../rpc/socket-path.ts';
import { CIDR_EXPECTED, isCidr, LISTEN_EXPECTED, parseAddress } from './network.ts';
import { text } from './scalars.ts';
import { TOPOLOGY_EXPECTED, TOPOLOGY_VALUE } from './topology-value.ts';

export const topologyValue = text.regex(TOPOLOGY_VALUE, TOPOLOGY_EXPECTED);

export const folder = text
  .refine((path) => path.startsWith('/') && !path.includes('\0'), 'expected an absolute path')
  .refine((path) => posix.normalize(path) !== '/', 'expected a folder below /')
  .transform((path) => posix.normalize(path).replace(/\/$/, ''));

const fitsSocket = (path: string): boolean => Buffer.byteLength(path) <= SOCKET_PATH_MAX_BYTES;
const SOCKET_TOO_LONG = `expected at most ${SOCKET_PATH_MAX_BYTES} bytes, the limit of a unix socket's path`;

export const socketPath = text
  .refine((path) => path.startsWith('/') && !path.endsWith('/'), 'expected the absolute path of a socket')
  .refine(fitsSocket, SOCKET_TOO_LONG);

/** CSI 1.13 names a socket `unix:///path` in CSI_ENDPOINT; the plain path is taken, too. */
export const endpoint = text
  .refine((value) => /^(unix:\/\/)?\/.*[^/]$/.test(value), 'expected a unix socket, such as unix:///run/berth/csi.sock')
  .transform((value) => value.replace(/^unix:\/\//, ''))
  .refine(fitsSocket, SOCKET_TOO_LONG);

const address = (expected: string) =>
  z.string(expected).transform((value, context) => {
    const parsed = parseAddress(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: expected });
    return z.NEVER;
  });

export const cidr = text.refine(isCidr, CIDR_EXPECTED);

/** Where to listen. */
export const listenAddress = address(LISTEN_EXPECTED);

/** What to connect to. */
export const hostAndPort = address('expected host:port, such as berth-controller.berth-system.svc:9820');
