import type { Socket } from 'node:net';
import { XdrReader } from '../xdr/reader.ts';
import type { XdrWriter } from '../xdr/writer.ts';
import { adoptSocket } from './adopt-socket.ts';
import type { Budget } from './budget.ts';
import type { BufferPool } from './buffer-pool.ts';
import { type CallHeader, deniedReply, readCall } from './message.ts';
import { createRecordReader, writeMark } from './record.ts';

export interface ConnectionLimits {
  maxRecordBytes: number;
  maxRequests: number;
  maxBytes: number;
  idleMs: number;
  stallMs: number;
}

/** One call, and what its handler may ask of the connection that it came on. */
export interface IncomingCall extends CallHeader {
  /** At the procedure's arguments. */
  arguments: XdrReader;
  recordBytes: number;
  /** A buffer for the answer, when there is room for it; it is taken back when the answer is sent. */
  lend(bytes: number): Promise<Buffer>;
  /** The peer has shown a session: others are served one call at a time, and cut off first when memory is short. */
  trust(): void;
}

export interface Connection {
  /** Bytes of a record that is not complete, and since when; for whoever must choose a victim. */
  readonly partial: { bytes: number; sinceMs: number };
  /** Since when the peer has not taken an answer that is there for it; undefined when none is. */
  readonly unsentSinceMs: number | undefined;
  readonly isTrusted: boolean;
  close(): void;
}

/** A stranger's next call is taken up so much later: the first calls of a client are few. */
const STRANGER_REST_MS = 10;

/**
 * Serves the calls of one connection, several at a time and answered as they are done. What a peer can make the server
 * hold is bounded: while its requests and its unsent answers are too many, nothing more is read from it.
 */
export function serveConnection(
  accepted: Socket,
  {
    limits,
    received,
    answers,
    buffers,
    scratch,
    now,
    handle,
    onBytes,
    onBad,
    onClose,
  }: {
    limits: ConnectionLimits;
    /** Requests of all connections together, in bytes. */
    received: { bytes: number; readonly maxBytes: number };
    answers: Budget;
    buffers: BufferPool;
    /** Where bytes come in that no record waits for; nothing stays in it. */
    scratch: Buffer;
    now(): number;
    handle(call: IncomingCall): Promise<XdrWriter>;
    /** More has come in. */
    onBytes(): void;
    /** The peer broke the protocol, and the connection ends after so many milliseconds. */
    onBad(error: unknown): number;
    onClose(): void;
  },
): Connection {
  const queue: Buffer[] = [];
  let running = 0;
  let heldBytes = 0;
  let unsent = 0;
  let lastSentMs = 0;
  let trusted = false;
  const share = answers.openShare();
  const partial = { bytes: 0, sinceMs: 0 };
  let idleSinceMs = now();
  let collectsReplies = false;
  let isEnding = false;

  const records = createRecordReader({
    maxBytes: limits.maxRecordBytes,
    buffers,
    onRecord: (record) => {
      hold(record.length - partial.bytes);
      partial.bytes = 0;
      queue.push(record);
    },
    onPartial: (bytes) => {
      if (partial.bytes === 0) partial.sinceMs = now();
      hold(bytes - partial.bytes);
      partial.bytes = bytes;
    },
  });

  const receive = (bytes: number, buffer: Uint8Array): void => {
    if (isEnding) return;
    idleSinceMs = now();
    try {
      if (buffer === scratch) records.feed(scratch.subarray(0, bytes));
      else records.filled(bytes);
    } catch (error) {
      end(error);
      return;
    }
    pump();
    onBytes();
  };

  const end = (error: unknown): void => {
    if (isEnding) return;
    isEnding = true;
    socket.pause();
    const lingerMs = onBad(error);
    if (lingerMs === 0) socket.destroy();
    else setTimeout(() => socket.destroy(), lingerMs).unref();
  };

  /** What is in work will be done, and then more is read; so one request is always let in. */
  const isFull = (): boolean =>
    running >= (trusted ? limits.maxRequests : 1) ||
    (running > 0 && (heldBytes >= limits.maxBytes || received.bytes >= received.maxBytes));

  const hold = (bytes: number): void => {
    heldBytes += bytes;
    received.bytes += bytes;
  };

  const pump = (): void => {
    while (queue.length > 0 && !isFull()) {
      const record = queue.shift()!;
      running += 1;
      void serve(record);
    }
    if (queue.length > 0 || isFull() || isEnding) socket.pause();
    else if (socket.isPaused()) socket.resume();
  };

  const serve = async (record: Buffer): Promise<void> => {
    let lentBytes = 0;
    const lent = [record];
    const rest = (): void => {
      running -= 1;
      pump();
    };
    const done = (): void => {
      hold(-record.length);
      if (lentBytes > 0) share.release(lentBytes);
      for (const buffer of lent) buffers.give(buffer);
      if (trusted) rest();
      else setTimeout(rest, STRANGER_REST_MS).unref();
    };
    try {
      const reader = new XdrReader(record);
      const header = readCall(reader);
      const reply =
        'mismatch' in header
          ? deniedReply(header.xid, { rpcMismatch: true })
          : await handle({
              ...header,
              arguments: reader,
              recordBytes: record.length,
              lend: async (bytes) => {
                await share.acquire(bytes);
                lentBytes += bytes;
                const buffer = buffers.take(bytes);
                lent.push(buffer);
                return buffer;
              },
              trust: () => {
                trusted = true;
              },
            });
      send(reply, done);
    } catch (error) {
      // What is no call cannot be answered, and what comes next would be no call either.
      end(error);
      done();
    }
  };

  const send = (reply: XdrWriter, done: () => void): void => {
    if (socket.destroyed) {
      done();
      return;
    }
    const pieces = reply.finish();
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    writeMark(pieces[0]!, bytes - 4);
    collectReplies();
    if (unsent === 0) lastSentMs = now();
    unsent += 1;
    const sent = (): void => {
      unsent -= 1;
      lastSentMs = now();
      done();
    };
    pieces.forEach((piece, i) => {
      socket.write(piece, i === pieces.length - 1 ? sent : undefined);
    });
  };

  /** What is answered in one turn of the event loop goes out by one call of the system. */
  const collectReplies = (): void => {
    if (collectsReplies) return;
    collectsReplies = true;
    socket.cork();
    setImmediate(() => {
      collectsReplies = false;
      socket.uncork();
    });
  };

  const socket = adoptSocket(accepted, {
    buffer: () => records.room() ?? scratch,
    callback: (bytes, buffer) => {
      receive(bytes, buffer);
      return true;
    },
  });
  // The socket itself says why it ended; nobody waits for that.
  socket.on('error', () => {});
  socket.on('close', () => {
    records.close();
    hold(-partial.bytes);
    partial.bytes = 0;
    for (const record of queue.splice(0)) hold(-record.length);
    share.close();
    onClose();
  });
  socket.setTimeout(limits.stallMs, () => {
    const owes = partial.bytes > 0 || socket.writableLength > 0;
    if (owes || now() - idleSinceMs >= limits.idleMs) socket.destroy();
    else socket.setTimeout(limits.stallMs);
  });
  socket.setNoDelay(true);
  return {
    partial,
    get unsentSinceMs() {
      return unsent > 0 ? lastSentMs : undefined;
    },
    get isTrusted() {
      return trusted;
    },
    close: () => socket.destroy(),
  };
}
