import { mkdirSync } from 'node:fs';
import { BerthError } from '../errors.ts';
import { createGate } from './fs/gate.ts';
import type { Identities } from './fs/permissions.ts';
import { createFileStore } from './fs/store.ts';
import { createCompound } from './operations/compound.ts';
import type { Server } from './operations/context.ts';
import { handlers } from './operations/index.ts';
import { createPseudoRoot } from './operations/pseudo-root.ts';
import { createWriteVerifier } from './operations/write-verifier.ts';
import { type Clock, defaultLimits, type NfsLimits } from './options.ts';
import { createPlanner } from './protocol/attributes.ts';
import { type Status, statusName } from './protocol/status.ts';
import { createDispatch } from './rpc/dispatch.ts';
import { listen } from './rpc/listener.ts';
import { openClientList } from './state/client-list.ts';
import { createState } from './state/index.ts';

/** What the server writes to; pino's loggers fit. */
export interface NfsLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface NfsOptions {
  /** Keeps the list of clients that may reclaim after a restart; it is made if it is missing. */
  stateDir: string;
  /** Port 0 takes a free one. */
  listen: { host: string; port: number };
  /** CIDR blocks of clients; empty lets everybody in who reaches the address. */
  allow?: readonly string[];
  log: NfsLog;
  limits?: Partial<NfsLimits>;
  /** Whose files are when clients of several users make them. By default `caller` for root, else `server`. */
  identity?: Identities['identity'];
  squash?: Identities['squash'];
  leaseMs?: number;
  /** How long clients may reclaim after a restart; it ends when all have. The lease, by default. */
  graceMs?: number;
  clock?: Clock;
  /** Clients wait for exports that are not there, with NFS4ERR_DELAY, until `exportsAreThere`. */
  awaitsExports?: boolean;
}

/** Counters since the start. */
export interface NfsCounters {
  /** By operation and status. */
  operations: { operation: string; status: string; count: number; seconds: number }[];
  connections: number;
  clients: number;
  sessions: number;
  stateids: number;
  heldBytes: number;
  badConnections: number;
  refusedConnections: number;
}

export interface NfsServer {
  readonly port: number;
  readonly identity: Identities['identity'];
  readonly isInGrace: boolean;
  /** Exports a directory as `/name`. `volumeId` is a UUID: file handles and the file system's id come from it. */
  addExport(name: string, path: string, volumeId: string): Promise<void>;
  /** What is not exported by now is gone. */
  exportsAreThere(): void;
  /** While it is full, clients that would make it grow get NFS4ERR_DQUOT. */
  setFull(name: string, isFull: boolean): void;
  /**
   * Keeps clients away, with NFS4ERR_ACCESS, until `endLocalUse`. Returns false when there are some: all that have come to the
   * export since it was added and are not known to be gone.
   */
  useLocally(name: string): boolean;
  endLocalUse(name: string): void;
  /** Clients get NFS4ERR_STALE from now on. */
  removeExport(name: string): void;
  counters(): NfsCounters;
  close(): Promise<void>;
}

const DEFAULT_LEASE_MS = 30_000;
/** Anybody who reaches the port can fill the log; what is left out is counted in what follows, and by the metrics. */
const COMPLAIN_MS = 1_000;
const UUID = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** Serves directories by NFSv4.1 (RFC 8881). Rejects with NFS_LISTEN_FAILED. */
export async function serveNfs(options: NfsOptions): Promise<NfsServer> {
  const { log, leaseMs = DEFAULT_LEASE_MS, graceMs = leaseMs, squash = 'none' } = options;
  const clock = options.clock ?? { now: () => performance.now() };
  const limits = { ...defaultLimits, ...options.limits };
  const identity = options.identity ?? (process.geteuid?.() === 0 ? 'caller' : 'server');
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });

  const store = createFileStore(limits, Date.now);
  store.awaitsExports = options.awaitsExports ?? false;
  const list = openClientList(options.stateDir);
  const state = createState({
    files: store.files,
    list,
    clock,
    leaseMs,
    graceMs,
    sessions: limits,
    maxClients: limits.maxClients,
    maxOpensPerClient: limits.maxOpensPerClient,
    maxLocksPerClient: limits.maxLocksPerClient,
    onGraceEnd: () => log.info({}, 'NFS grace period over'),
  });
  const server: Server = {
    store,
    state,
    identities: { identity, squash },
    pseudoRoot: createPseudoRoot(store, Date.now),
    plan: createPlanner(),
    verifier: createWriteVerifier(),
    limits,
    leaseMs,
    clock,
    calls: createGate(limits.maxCalls),
    flushes: createGate(limits.maxFlushes),
    scope: Buffer.from(list.serverId),
  };
  const tally = createTally();
  const complain = atMostEvery(COMPLAIN_MS, clock, (details, message) => log.warn(details, message));
  const onDefect = (error: unknown): void => log.error({ err: error }, 'NFS operation failed by a defect');
  const compound = createCompound(server, handlers, { onOperation: tally.add, onDefect });
  const listener = await listen({
    ...options.listen,
    allow: options.allow ?? [],
    limits: {
      maxRecordBytes: limits.maxRequestBytes,
      maxRequests: limits.maxRequestsPerConnection,
      maxBytes: limits.maxBytesPerConnection,
      idleMs: limits.idleMs,
      stallMs: limits.stallMs,
      maxConnections: limits.maxConnections,
      maxTotalBytes: limits.maxBytes,
    },
    now: clock.now,
    handle: createDispatch(compound, onDefect),
    onRefused: (address) => {
      tally.refused += 1;
      complain({ address, refused: tally.refused }, 'NFS connection refused');
    },
    onBad: (address, error) => {
      tally.bad += 1;
      complain({ address, bad: tally.bad, problem: (error as Error).message }, 'NFS connection ended: not understood');
    },
  }).catch(async (error) => {
    await state.close();
    throw error;
  });

  const find = (name: string) => store.findVolume(Buffer.from(name).toString('latin1'));
  let closed: Promise<void> | undefined;
  return {
    port: listener.port,
    identity,
    get isInGrace() {
      return state.grace.isActive;
    },
    async addExport(name, path, volumeId) {
      const refuse = (problem: string, cause?: unknown): never => {
        throw new BerthError('NFS_EXPORT_INVALID', { name, problem }, { cause });
      };
      if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name))
        refuse('the name cannot be a path component');
      if (!UUID.test(volumeId)) refuse(`${volumeId} is no UUID`);
      const id = Buffer.from(volumeId.replaceAll('-', ''), 'hex');
      const bytes = Buffer.from(name).toString('latin1');
      for (const volume of store.volumes()) {
        if (volume.name === bytes || volume.id.equals(id)) refuse('an export of that name or UUID is there');
      }
      await store.add(bytes, path, id).catch((error) => refuse((error as Error).message, error));
      server.pseudoRoot.changed();
    },
    exportsAreThere() {
      store.awaitsExports = false;
    },
    setFull(name, isFull) {
      const volume = find(name);
      if (volume !== undefined) volume.isFull = isFull;
    },
    useLocally(name) {
      const volume = find(name);
      if (volume === undefined) return true;
      for (const user of volume.users) if (user.destroyed) volume.users.delete(user);
      volume.isUsedLocally ||= volume.users.size === 0;
      return volume.isUsedLocally;
    },
    endLocalUse(name) {
      const volume = find(name);
      if (volume !== undefined) volume.isUsedLocally = false;
    },
    removeExport(name) {
      const volume = find(name);
      if (volume === undefined) return;
      state.dropVolume(volume);
      store.remove(volume);
      server.pseudoRoot.changed();
    },
    counters: () => ({
      operations: tally.list(),
      connections: listener.connections,
      clients: state.clients.size,
      sessions: state.sessions.size,
      stateids: state.table.size,
      heldBytes: listener.heldBytes,
      badConnections: tally.bad,
      refusedConnections: tally.refused,
    }),
    close() {
      closed ??= (async () => {
        await listener.close();
        await state.close();
        store.close();
      })();
      return closed;
    },
  };
}

/** Leaves out what comes sooner than `ms` after the last of the same message. */
function atMostEvery(ms: number, { now }: Clock, log: NfsLog['warn']): NfsLog['warn'] {
  const last = new Map<string, number>();
  return (details, message) => {
    if (now() - (last.get(message) ?? Number.NEGATIVE_INFINITY) < ms) return;
    last.set(message, now());
    log(details, message);
  };
}

function createTally() {
  const counts = new Map<string, { operation: string; status: string; count: number; seconds: number }>();
  return {
    refused: 0,
    bad: 0,
    add(operation: string, status: Status, durationMs: number): void {
      const key = `${operation} ${status}`;
      const entry = counts.get(key) ?? { operation, status: statusName(status), count: 0, seconds: 0 };
      counts.set(key, entry);
      entry.count += 1;
      entry.seconds += durationMs / 1000;
    },
    list: () => [...counts.values()],
  };
}
