import type { SessionLimits } from './state/sessions.ts';

/** Milliseconds that only go forward; tests bring their own. */
export interface Clock {
  now(): number;
}

/** Bounds on what clients can make the server hold. */
export interface NfsLimits extends SessionLimits {
  maxConnections: number;
  /** Requests that one connection may have in work; more are not read. */
  maxRequestsPerConnection: number;
  /** Bytes of requests and answers that one connection, and all together, may have in memory. */
  maxBytesPerConnection: number;
  maxBytes: number;
  /** A connection on which nothing happens is closed; sooner when it owes bytes or does not take them. */
  idleMs: number;
  stallMs: number;
  maxClients: number;
  maxOpensPerClient: number;
  maxLocksPerClient: number;
  /** Files whose names are remembered for each export. */
  maxNodes: number;
  maxDirectoryFds: number;
  maxListedNames: number;
  /** How long a client waits for a walk before it is told to ask again. */
  walkWaitMs: number;
  /** File system calls at once, so that flushes leave threads for the rest. */
  maxCalls: number;
  maxFlushes: number;
}

/** rsize and wsize. */
export const MAX_IO_BYTES = 1 << 20;
const HEADER_BYTES = 16_384;

export const defaultLimits: NfsLimits = {
  maxRequestBytes: MAX_IO_BYTES + HEADER_BYTES,
  maxResponseBytes: MAX_IO_BYTES + HEADER_BYTES,
  maxCachedBytes: 8192,
  maxOperations: 64,
  maxSlots: 64,
  maxSessionsPerClient: 16,
  maxConnections: 512,
  maxRequestsPerConnection: 64,
  maxBytesPerConnection: 4 << 20,
  maxBytes: 32 << 20,
  idleMs: 600_000,
  stallMs: 60_000,
  maxClients: 1024,
  maxOpensPerClient: 65_536,
  maxLocksPerClient: 16_384,
  maxNodes: 300_000,
  maxDirectoryFds: 1024,
  maxListedNames: 500_000,
  walkWaitMs: 5_000,
  maxCalls: 64,
  maxFlushes: 2,
};
