import { type handleBidiStreamingCall, Metadata, type ServerDuplexStream } from '@grpc/grpc-js';
import { BerthError, RelayedError, type StatusName } from '../errors.ts';
import { decodePool } from '../rpc/pool-message.ts';
import type { Service } from '../rpc/server.ts';
import { toServiceError } from '../rpc/status.ts';
import type { PoolStatus } from '../volumes/model.ts';
import { type AnswerMessage, type FromNode, fleetService, type InventoryMessage, type ToNode } from './messages.ts';

type Stream = ServerDuplexStream<FromNode, ToNode>;

/** A node that is connected. */
export interface FleetNode {
  readonly name: string;
  readonly version: string;
  readonly topology: Readonly<Record<string, string>>;
  /** Whether all its pools are served. */
  readonly ready: boolean;
  readonly pools: readonly PoolStatus[];
  /** Runs an RPC there. Rejects with what the node answers, NODE_LINK_LOST or CALL_DEADLINE. */
  call(method: string, request: Buffer, options: { timeoutMs: number; requestId: string }): Promise<Buffer>;
}

/** Who the owner of a token is, and until when, in ms since 1970. */
export interface Identity {
  node: string;
  expiresAt: number;
}

export interface HubOptions {
  /** Rejects with FLEET_DENIED. */
  authenticate(token: string): Promise<Identity>;
  /** A node has come, or has told something new. */
  onChange?(node: FleetNode): void;
  log(level: 'info' | 'warn', message: string, fields: object): void;
}

export interface Hub {
  readonly service: Service;
  /** In the order of their names. */
  nodes(): FleetNode[];
  /** Ends all streams. */
  close(): void;
}

const GREETING_WITHIN_MS = 10_000;
/** A longer timer would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** The controller's end of the nodes' streams. A node that connects anew takes the place of its older stream. */
export function createHub({ authenticate, onChange, log }: HubOptions): Hub {
  const sessions = new Map<string, Session>();

  const accept = async (stream: Stream): Promise<void> => {
    const peer = stream.getPeer();
    let claimed = '?';
    try {
      const greeting = nextMessage(stream);
      greeting.catch(() => {}); // looked at below; until then it may fail unseen
      const identity = await authenticate(tokenOf(stream));
      const { inventory } = await greeting;
      if (!inventory) throw new BerthError('FLEET_GREETING', { problem: 'it was another message' });
      claimed = inventory.node;
      if (claimed !== identity.node) {
        throw new BerthError('FLEET_DENIED', { node: claimed, problem: `the token is of node ${identity.node}` });
      }
      sessions.get(claimed)?.end('the node has connected anew');
      const session = openSession(stream, inventory, {
        onInventory: () => onChange?.(session.node),
        onEnd(reason) {
          if (sessions.get(session.node.name) !== session) return;
          sessions.delete(session.node.name);
          log('warn', 'a node is away', { node: session.node.name, reason });
        },
      });
      sessions.set(claimed, session);
      const leftMs = Math.min(TIMER_MAX_MS, Math.max(0, identity.expiresAt - Date.now()));
      const expiry = setTimeout(() => session.end('its token has expired'), leftMs);
      stream.on('close', () => clearTimeout(expiry));
      log('info', 'a node is connected', { node: claimed, version: inventory.version, peer });
      onChange?.(session.node);
    } catch (error) {
      const { code, details } = toServiceError(error);
      log('warn', 'a node was refused', { node: claimed, peer, problem: details });
      stream.emit('error', { code, details });
    }
  };

  const connect: handleBidiStreamingCall<FromNode, ToNode> = (stream) => void accept(stream);
  return {
    service: { definition: fleetService, implementation: { Connect: connect } },
    nodes: () => [...sessions.values()].map(({ node }) => node).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    close() {
      for (const session of sessions.values()) session.end('the controller stops');
    },
  };
}

interface Session {
  node: FleetNode;
  end(reason: string): void;
}

function openSession(
  stream: Stream,
  greeting: InventoryMessage,
  { onInventory, onEnd }: { onInventory(): void; onEnd(reason: string): void },
): Session {
  const pending = new Map<
    string,
    { resolve(response: Buffer): void; reject(error: BerthError): void; method: string }
  >();
  let inventory = greeting;
  let pools = greeting.pools.map(decodePool);
  let nextId = 1;
  let ended = false;

  const end = (reason: string): void => {
    if (ended) return;
    ended = true;
    for (const { reject, method } of pending.values()) {
      reject(new BerthError('NODE_LINK_LOST', { node: greeting.node, method }));
    }
    pending.clear();
    stream.end();
    onEnd(reason);
  };
  const settle = ({ id, response, failure }: AnswerMessage): void => {
    const call = pending.get(id);
    if (call === undefined) return; // its deadline has passed
    if (failure) call.reject(new RelayedError({ ...failure, status: failure.status as StatusName }));
    else if (response) call.resolve(response);
    else call.reject(new BerthError('NODE_TOO_OLD', { node: greeting.node, method: call.method }));
  };
  stream.on('data', (message: FromNode) => {
    if (message.answer) settle(message.answer);
    if (!message.inventory || message.inventory.node !== greeting.node) return;
    inventory = message.inventory;
    pools = inventory.pools.map(decodePool);
    onInventory();
  });
  for (const event of ['end', 'error', 'close', 'cancelled']) stream.on(event, () => end('its stream has ended'));
  stream.sendMetadata(new Metadata()); // tells the node that it is accepted
  stream.resume();

  const node: FleetNode = {
    name: greeting.node,
    get version() {
      return inventory.version;
    },
    get topology() {
      return inventory.topology;
    },
    get ready() {
      return inventory.ready;
    },
    get pools() {
      return pools;
    },
    call(method, request, { timeoutMs, requestId }) {
      if (ended) return Promise.reject(new BerthError('NODE_LINK_LOST', { node: greeting.node, method }));
      const id = String(nextId++);
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      const timer = setTimeout(() => reject(new BerthError('CALL_DEADLINE', { method })), timeoutMs);
      pending.set(id, { resolve, reject, method });
      stream.write({
        call: { id, method, request, timeout_ms: Math.max(1, Math.floor(timeoutMs)), request_id: requestId },
      });
      return promise.finally(() => {
        clearTimeout(timer);
        pending.delete(id);
      });
    },
  };
  return { node, end };
}

function tokenOf(stream: Stream): string {
  const [value] = stream.metadata.get('authorization');
  const [, token] = /^Bearer (\S+)$/.exec(String(value ?? '')) ?? [];
  if (token === undefined) throw new BerthError('FLEET_DENIED', { node: '?', problem: 'it sent no token' });
  return token;
}

/** The first message of a stream. What follows it waits until somebody listens. */
function nextMessage(stream: Stream): Promise<FromNode> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      stream.off('data', onData);
      stream.off('end', onEnd);
      act();
    };
    const fail = (problem: string): void => settle(() => reject(new BerthError('FLEET_GREETING', { problem })));
    const onData = (message: FromNode): void => {
      stream.pause();
      settle(() => resolve(message));
    };
    const onEnd = (): void => fail('it ended');
    const timer = setTimeout(() => fail('nothing came'), GREETING_WITHIN_MS);
    stream.on('data', onData);
    stream.on('end', onEnd);
    stream.on('error', () => {}); // from here on an end is an end
  });
}
