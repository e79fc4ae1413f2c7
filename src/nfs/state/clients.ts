import { Exchange } from '../protocol/flags.ts';
import { fail, NFS4 } from '../protocol/status.ts';
import type { Client } from './model.ts';

export interface ExchangeRequest {
  owner: string;
  verifier: string;
  principal: string;
  /** EXCHGID4_FLAG_UPD_CONFIRMED_REC_A. */
  update: boolean;
}

/** The clients that are known, RFC 8881 18.35. */
export interface Clients {
  exchange(request: ExchangeRequest): Client;
  /** The client that CREATE_SESSION names; NFS4ERR_STALE_CLIENTID when there is none. */
  find(id: bigint): Client;
  /** Makes the record count, in place of what its owner had before. */
  confirm(client: Client): void;
  remove(client: Client): void;
  isExpired(client: Client): boolean;
  all(): Iterable<Client>;
  readonly size: number;
}

export function createClients({
  run,
  leaseMs,
  maxClients,
  now,
  isReclaimer,
  dropState,
}: {
  run: Buffer;
  leaseMs: number;
  maxClients: number;
  now(): number;
  isReclaimer(owner: string): boolean;
  /** Gives up sessions, opens and locks of a client that is removed. */
  dropState(client: Client): void;
}): Clients {
  const byId = new Map<bigint, Client>();
  const confirmed = new Map<string, Client>();
  const unconfirmed = new Map<string, Client>();
  let counter = 0;

  const isExpired = (client: Client): boolean => now() - client.renewedMs > leaseMs;
  const hasState = (client: Client): boolean => client.opens.size > 0 || client.lockCount > 0;

  const remove = (client: Client): void => {
    if (client.destroyed) return;
    client.destroyed = true;
    byId.delete(client.id);
    if (confirmed.get(client.owner) === client) confirmed.delete(client.owner);
    if (unconfirmed.get(client.owner) === client) unconfirmed.delete(client.owner);
    dropState(client);
  };

  const create = ({ owner, verifier, principal }: ExchangeRequest): Client => {
    const previous = unconfirmed.get(owner);
    if (previous !== undefined) remove(previous);
    if (byId.size >= maxClients) makeRoom();
    counter += 1;
    const client: Client = {
      id: (BigInt(run.readUInt32BE(0)) << 32n) | BigInt(counter),
      owner,
      verifier,
      principal,
      confirmed: false,
      nextSequence: 1,
      lastSession: undefined,
      sessions: new Set(),
      renewedMs: now(),
      isReclaimComplete: false,
      mayReclaim: isReclaimer(owner),
      opens: new Set(),
      lockCount: 0,
      destroyed: false,
    };
    byId.set(client.id, client);
    unconfirmed.set(owner, client);
    return client;
  };

  /** The oldest record that nobody has confirmed goes first, then one whose lease has run out. */
  const makeRoom = (): void => {
    const [oldest] = unconfirmed.values();
    const victim = oldest ?? [...byId.values()].find(isExpired);
    if (victim === undefined) fail(NFS4.ERR_DELAY);
    else remove(victim);
  };

  /** RFC 8881 18.35.4, the update of a confirmed record. */
  const update = (request: ExchangeRequest): Client => {
    const client = confirmed.get(request.owner) ?? fail(NFS4.ERR_NOENT);
    if (client.verifier !== request.verifier) fail(NFS4.ERR_NOT_SAME);
    if (client.principal !== request.principal) fail(NFS4.ERR_PERM);
    return client;
  };

  return {
    isExpired,
    remove,
    all: () => byId.values(),
    get size() {
      return byId.size;
    },
    find: (id) => byId.get(id) ?? fail(NFS4.ERR_STALE_CLIENTID),
    exchange(request) {
      if (request.update) return update(request);
      const known = confirmed.get(request.owner);
      if (known === undefined) return create(request);
      if (known.principal !== request.principal) {
        if (hasState(known) && !isExpired(known)) fail(NFS4.ERR_CLID_INUSE);
        remove(known);
        return create(request);
      }
      // The same again is a retransmission; another verifier a client that has restarted: its old state stays until
      // the new record is confirmed.
      return known.verifier === request.verifier ? known : create(request);
    },
    confirm(client) {
      const replaced = confirmed.get(client.owner);
      if (replaced !== undefined && replaced !== client) remove(replaced);
      unconfirmed.delete(client.owner);
      confirmed.set(client.owner, client);
      client.confirmed = true;
    },
  };
}

/** Flags of EXCHANGE_ID's answer: a server without pNFS, delegations or migration. */
export const exchangeFlags = (client: Client): number =>
  (Exchange.USE_NON_PNFS | (client.confirmed ? Exchange.CONFIRMED_R : 0)) >>> 0;
