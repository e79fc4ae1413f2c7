import { randomBytes } from 'node:crypto';
import type { OpenFiles } from '../fs/open-files.ts';
import type { Volume } from '../fs/volume.ts';
import type { Clock } from '../options.ts';
import type { ClientList } from './client-list.ts';
import { type Clients, createClients } from './clients.ts';
import { type Grace, startGrace } from './grace.ts';
import { createLocks, type Locks } from './locks.ts';
import type { Client } from './model.ts';
import { createOpens, type Opens } from './opens.ts';
import { createSessions, type SessionLimits, type Sessions } from './sessions.ts';
import { createStateTable, type StateTable } from './stateids.ts';

/** All that the server remembers of its clients. */
export interface State {
  readonly clients: Clients;
  readonly sessions: Sessions;
  readonly table: StateTable;
  readonly opens: Opens;
  readonly locks: Locks;
  readonly grace: Grace;
  /** The client takes no more state back, and is one that may do so after the next restart. */
  completeReclaim(client: Client): Promise<void>;
  /** Ends a client with all that it has; it will not reclaim anything. */
  expire(client: Client): void;
  /** Gives up all opens and locks of a volume's files. */
  dropVolume(volume: Volume): void;
  /** Takes out clients that have not been heard of for two leases. */
  sweep(): void;
  close(): Promise<void>;
}

export interface StateOptions {
  files: OpenFiles;
  list: ClientList;
  clock: Clock;
  leaseMs: number;
  graceMs: number;
  sessions: SessionLimits;
  maxClients: number;
  maxOpensPerClient: number;
  maxLocksPerClient: number;
  onGraceEnd(): void;
}

export function createState(options: StateOptions): State {
  const { files, list, clock, leaseMs } = options;
  const run = randomBytes(8);
  const table = createStateTable(run);
  const sessions = createSessions(options.sessions);
  const grace = startGrace(list, options.graceMs, options.onGraceEnd);

  const dropState = (client: Client): void => {
    for (const open of [...client.opens]) opens.drop(open);
    for (const session of [...client.sessions]) sessions.remove(session);
  };
  const clients = createClients({
    run,
    leaseMs,
    maxClients: options.maxClients,
    now: clock.now,
    isReclaimer: (owner) => grace.isActive && grace.mayReclaim(owner),
    dropState,
  });
  /** The client loses what it had; what it would reclaim after a restart might be somebody else's by then. */
  const expire = (client: Client): void => {
    list.remove(client.owner);
    clients.remove(client);
  };
  const shared = { table, isExpired: clients.isExpired, expire };
  const locks = createLocks({ ...shared, maxPerClient: options.maxLocksPerClient });
  const opens = createOpens({ ...shared, files, maxPerClient: options.maxOpensPerClient, dropLock: locks.drop });

  const sweep = (): void => {
    for (const client of [...clients.all()]) {
      if (clock.now() - client.renewedMs > 2 * leaseMs) expire(client);
    }
  };
  const timer = setInterval(sweep, leaseMs);
  timer.unref();

  return {
    clients,
    sessions,
    table,
    opens,
    locks,
    grace,
    sweep,
    expire,
    dropVolume(volume) {
      for (const client of clients.all()) {
        for (const open of [...client.opens]) if (open.node.volume === volume) opens.drop(open);
      }
    },
    async completeReclaim(client) {
      await list.add(client.owner);
      client.isReclaimComplete = true;
      if (grace.isActive) grace.complete(client.owner);
    },
    async close() {
      clearInterval(timer);
      grace.close();
      // Descriptors are given back; the list on the disk stays, so that clients may reclaim from the next run.
      for (const client of [...clients.all()]) clients.remove(client);
      await list.flush();
    },
  };
}
