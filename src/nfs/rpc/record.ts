import type { BufferPool } from './buffer-pool.ts';

const LAST_FRAGMENT = 0x8000_0000;
const MARK_BYTES = 4;
const GROWTH = 16;
/** A client that cuts a megabyte into pieces of some kilobytes is well below that. */
const MAX_FRAGMENTS = 1024;
/** What is less comes together with the head of the next record. */
const DIRECT_BYTES = 65_536;

/** The peer broke the framing, or sent more than is allowed; the connection is of no more use. */
export class RecordError extends Error {
  override name = 'RecordError';
}

export interface RecordReader {
  /** Takes what has come; the chunk is the caller's again afterwards. */
  feed(chunk: Buffer): void;
  /** Where the rest of a long record may be put without another copy, then to be told by `filled` instead of `feed`. */
  room(): Buffer | undefined;
  filled(bytes: number): void;
  /** Nothing more will come; the memory of what is not complete goes back. */
  close(): void;
}

/**
 * Puts records together from the pieces in which they arrive, RFC 5531 11: a record is one or more fragments, each with
 * a mark before it. No memory is taken on the word of a mark: it grows with what has come.
 */
export function createRecordReader({
  maxBytes,
  buffers,
  onRecord,
  onPartial,
}: {
  maxBytes: number;
  buffers: BufferPool;
  onRecord(record: Buffer): void;
  /** Memory that is taken for a record of which more is to come. */
  onPartial(bytes: number): void;
}): RecordReader {
  const mark = Buffer.alloc(MARK_BYTES);
  let markBytes = 0;
  let fragmentLeft = 0;
  let isLast = false;
  let record: Buffer | undefined;
  let recordBytes = 0;
  let fragments = 0;

  const startFragment = (): void => {
    const word = mark.readUInt32BE(0);
    markBytes = 0;
    isLast = word >= LAST_FRAGMENT;
    fragmentLeft = word % LAST_FRAGMENT;
    fragments += 1;
    if (recordBytes + fragmentLeft > maxBytes) {
      throw new RecordError(`a record of ${recordBytes + fragmentLeft} bytes or more; ${maxBytes} are allowed`);
    }
    // Empty fragments take no room, but a stream of them would never end.
    if (fragments > Math.min(MAX_FRAGMENTS, maxBytes / MARK_BYTES)) throw new RecordError('too many fragments');
  };

  /** Room for `length` more bytes: at once for the whole fragment when a good part of it is there. */
  const reserve = (length: number): Buffer => {
    const wanted = recordBytes + length;
    if (record !== undefined && record.length >= wanted) return record;
    const grown = buffers.take(Math.min(recordBytes + fragmentLeft, wanted * GROWTH));
    if (record !== undefined) {
      record.copy(grown, 0, 0, recordBytes);
      buffers.give(record);
    }
    record = grown;
    onPartial(grown.length);
    return grown;
  };

  const finish = (): void => {
    const whole = record === undefined ? Buffer.alloc(0) : record.subarray(0, recordBytes);
    record = undefined;
    recordBytes = 0;
    fragments = 0;
    onRecord(whole);
  };

  const feed = (chunk: Buffer): void => {
    let at = 0;
    for (;;) {
      if (fragmentLeft === 0) {
        const take = Math.min(MARK_BYTES - markBytes, chunk.length - at);
        chunk.copy(mark, markBytes, at, at + take);
        markBytes += take;
        at += take;
        if (markBytes < MARK_BYTES) return;
        startFragment();
      }
      const take = Math.min(fragmentLeft, chunk.length - at);
      if (take > 0) {
        const target = reserve(take);
        chunk.copy(target, recordBytes, at, at + take);
        recordBytes += take;
      }
      at += take;
      fragmentLeft -= take;
      if (fragmentLeft > 0) return;
      if (isLast) finish();
      if (at === chunk.length && markBytes === 0) return;
    }
  };

  return {
    feed,
    room() {
      if (record === undefined) return undefined;
      const bytes = Math.min(record.length - recordBytes, fragmentLeft);
      return bytes < DIRECT_BYTES ? undefined : record.subarray(recordBytes, recordBytes + bytes);
    },
    filled(bytes) {
      recordBytes += bytes;
      fragmentLeft -= bytes;
      if (fragmentLeft === 0 && isLast) finish();
    },
    close() {
      if (record !== undefined) buffers.give(record);
      record = undefined;
    },
  };
}

/** The mark of a reply that is sent as one fragment. */
export function writeMark(target: Buffer, bytes: number): void {
  target.writeUInt32BE((LAST_FRAGMENT | bytes) >>> 0, 0);
}
