import { connect, type Socket } from 'node:net';
import { createBufferPool } from '../../../src/nfs/rpc/buffer-pool.ts';
import { createRecordReader, writeMark } from '../../../src/nfs/rpc/record.ts';
import { XdrReader } from '../../../src/nfs/xdr/reader.ts';
import { XdrWriter } from '../../../src/nfs/xdr/writer.ts';

/** Who the client says that it is. */
export interface Identity {
  uid: number;
  gid: number;
  groups?: readonly number[];
}

export interface RpcReply {
  /** accept_stat, or `denied` with what is behind it. */
  status: number | 'denied';
  body: Buffer;
}

export interface CallOptions {
  identity: Identity | 'none';
  program?: number;
  version?: number;
  procedure?: number;
  rpcVersion?: number;
}

/** One TCP connection that carries RPC calls, several at a time. */
export interface Transport {
  readonly socket: Socket;
  call(body: XdrWriter, options: CallOptions): Promise<RpcReply>;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
  close(): void;
}

const NFS_PROGRAM = 100003;
/** Answers are handed on to tests, so that nothing is used again. */
const buffers = createBufferPool(0);
const MAX_RECORD_BYTES = 32 << 20;

function head(xid: number, options: CallOptions): XdrWriter {
  const { identity, program = NFS_PROGRAM, version = 4, procedure = 1, rpcVersion = 2 } = options;
  const writer = new XdrWriter();
  for (const word of [0, xid, 0, rpcVersion, program, version, procedure]) writer.u32(word);
  if (identity === 'none') {
    writer.u32(0);
    writer.u32(0);
  } else {
    const body = new XdrWriter();
    body.u32(0);
    body.opaque(Buffer.from('test'));
    body.u32(identity.uid);
    body.u32(identity.gid);
    body.u32(identity.groups?.length ?? 0);
    for (const group of identity.groups ?? []) body.u32(group);
    writer.u32(1);
    writer.opaque(body.toBuffer());
  }
  writer.u32(0);
  writer.u32(0);
  return writer;
}

function parse(record: Buffer): { xid: number; reply: RpcReply } {
  const reader = new XdrReader(record);
  const xid = reader.u32();
  reader.u32();
  if (reader.u32() !== 0) return { xid, reply: { status: 'denied', body: reader.rest() } };
  reader.u32();
  reader.opaque(400);
  const status = reader.u32();
  return { xid, reply: { status, body: reader.rest() } };
}

export async function openTransport(port: number, host = '127.0.0.1'): Promise<Transport> {
  const socket = connect({ port, host, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      resolve();
    });
  });
  const waiting = new Map<number, PromiseWithResolvers<RpcReply>>();
  let xid = 0;
  const records = createRecordReader({
    maxBytes: MAX_RECORD_BYTES,
    buffers,
    onPartial: () => {},
    onRecord: (record) => {
      const { xid: of, reply } = parse(record);
      waiting.get(of)?.resolve(reply);
      waiting.delete(of);
    },
  });
  socket.on('data', records.feed);
  socket.on('error', () => {});
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => {
      for (const { reject } of waiting.values()) reject(new Error('connection ended'));
      waiting.clear();
      resolve();
    });
  });
  return {
    socket,
    ended,
    close: () => socket.destroy(),
    call(body, options) {
      xid = (xid + 1) >>> 0;
      const writer = head(xid, options);
      writer.append(body);
      const pieces = writer.finish();
      writeMark(pieces[0]!, pieces.reduce((sum, piece) => sum + piece.length, 0) - 4);
      const answer = Promise.withResolvers<RpcReply>();
      if (socket.destroyed) {
        answer.reject(new Error('connection ended'));
        return answer.promise;
      }
      waiting.set(xid, answer);
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.uncork();
      return answer.promise;
    },
  };
}
