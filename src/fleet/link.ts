import { type ChannelCredentials, Client, type ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import { toBerthError } from '../errors.ts';
import {
  type CallMessage,
  type FromNode,
  fleetService,
  type InventoryMessage,
  KEEPALIVE,
  MAX_MESSAGE_BYTES,
  type ToNode,
} from './messages.ts';

type Stream = ClientDuplexStream<FromNode, ToNode>;

export interface LinkOptions {
  /** `IP:PORT`; an IPv6 address is in brackets. */
  address: string;
  /** The name that the controller's certificate must have. */
  serverName: string;
  credentials(): ChannelCredentials;
  token(): string;
  inventory(): InventoryMessage;
  /** Runs an RPC of this node. Rejects with BerthError. */
  answer(method: string, request: Buffer, options: { timeoutMs: number; requestId: string }): Promise<Buffer>;
  log(level: 'info' | 'warn', message: string, fields: object): void;
}

export interface Link {
  close(): void;
}

/** How often the inventory is compared with what was sent: a change goes out within this, and no more often. */
const INVENTORY_MS = 500;
const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 5_000;

/** Keeps a stream to one controller open until closed: tells it the inventory and answers what it asks. */
export function keepLink(options: LinkOptions): Link {
  const { address, log } = options;
  let stream: Stream | undefined;
  let retry: NodeJS.Timeout | undefined;
  let attempts = 0;
  let lastProblem: string | undefined;
  let closed = false;

  const failed = (problem: string): void => {
    if (closed) return;
    // Told once, not at each attempt.
    if (problem !== lastProblem) log('warn', 'the link to the controller is down', { controller: address, problem });
    lastProblem = problem;
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** attempts++);
    retry = setTimeout(open, waitMs * (0.5 + Math.random() / 2));
  };

  function open(): void {
    try {
      stream = openStream(options, {
        onUp() {
          attempts = 0;
          lastProblem = undefined;
          log('info', 'the link to the controller is up', { controller: address });
        },
        onDown: failed,
      });
    } catch (error) {
      failed((error as Error).message); // no certificate or token yet
    }
  }
  open();
  return {
    close() {
      closed = true;
      clearTimeout(retry);
      stream?.cancel();
    },
  };
}

function openStream(options: LinkOptions, { onUp, onDown }: { onUp(): void; onDown(problem: string): void }): Stream {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${options.token()}`);
  const client = new Client(options.address, options.credentials(), {
    ...KEEPALIVE,
    'grpc.ssl_target_name_override': options.serverName,
    'grpc.default_authority': options.serverName,
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.enable_retries': 0,
    'grpc.use_local_subchannel_pool': 1,
  });
  const { path, requestSerialize, responseDeserialize } = fleetService['Connect']!;
  const stream: Stream = client.makeBidiStreamRequest<FromNode, ToNode>(
    path,
    requestSerialize as (value: FromNode) => Buffer,
    responseDeserialize as (bytes: Buffer) => ToNode,
    metadata,
  );
  let sent = '';
  const sendInventory = (): void => {
    const inventory = options.inventory();
    const text = JSON.stringify(inventory);
    if (text === sent) return;
    sent = text;
    stream.write({ inventory });
  };
  const timer = setInterval(sendInventory, INVENTORY_MS);
  sendInventory();

  const down = (problem: string): void => {
    clearInterval(timer);
    client.close();
    onDown(problem);
  };
  // The controller sends its headers once it has accepted the node.
  stream.on('metadata', onUp);
  stream.on('data', ({ call }: ToNode) => {
    if (call) void answerCall(call, options, (answer) => stream.write(answer));
  });
  stream.on('error', () => {}); // `status` follows
  stream.on('status', ({ details }) => down(details || 'the controller has ended it'));
  return stream;
}

async function answerCall(
  { id, method, request, timeout_ms, request_id }: CallMessage,
  { answer }: LinkOptions,
  reply: (answer: FromNode) => void,
): Promise<void> {
  try {
    reply({
      answer: { id, response: await answer(method, request, { timeoutMs: timeout_ms, requestId: request_id }) },
    });
  } catch (thrown) {
    const { code, status, message } = toBerthError(thrown);
    reply({ answer: { id, failure: { code, status, message: message.toWellFormed() } } });
  }
}
