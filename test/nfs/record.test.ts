import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBufferPool } from '../../src/nfs/rpc/buffer-pool.ts';
import { createRecordReader, RecordError } from '../../src/nfs/rpc/record.ts';

const LAST = 0x8000_0000;

function fragment(bytes: Uint8Array, isLast: boolean): Buffer {
  const mark = Buffer.alloc(4);
  mark.writeUInt32BE((bytes.length | (isLast ? LAST : 0)) >>> 0);
  return Buffer.concat([mark, bytes]);
}

function collect(maxBytes = 4096) {
  const records: Buffer[] = [];
  const held: number[] = [];
  const { feed } = createRecordReader({
    maxBytes,
    buffers: createBufferPool(0),
    onRecord: (record) => records.push(Buffer.from(record)),
    onPartial: (bytes) => held.push(bytes),
  });
  return { records, held, feed };
}

describe('record marking', () => {
  it('puts records together however they are cut', () => {
    const record = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 30 })), (records, cuts) => {
        const stream = Buffer.concat(
          records.flatMap((pieces) => pieces.map((piece, i) => fragment(piece, i === pieces.length - 1))),
        );
        const { records: got, feed } = collect();
        let at = 0;
        for (const cut of cuts) {
          feed(stream.subarray(at, at + cut));
          at += cut;
        }
        if (at < stream.length) feed(stream.subarray(at));
        expect(got).toEqual(records.map((pieces) => Buffer.concat(pieces)));
      }),
    );
  });

  it('refuses a record that is too long before it comes', () => {
    const { feed } = collect(100);
    expect(() => feed(Buffer.from('80000065', 'hex'))).toThrow(RecordError);
  });

  it('refuses fragments that together are too long', () => {
    const { feed } = collect(100);
    feed(fragment(Buffer.alloc(60), false));
    expect(() => feed(Buffer.from('80000029', 'hex'))).toThrow(RecordError);
  });

  it('refuses a stream of empty fragments', () => {
    const { feed } = collect(100);
    expect(() => feed(Buffer.alloc(4 * 1000))).toThrow(RecordError);
  });

  it('takes memory as bytes come, not as a mark promises', () => {
    const { feed, held } = collect(1 << 20);
    feed(Buffer.from('80100000', 'hex'));
    expect(held).toEqual([]);
    feed(Buffer.alloc(100));
    expect(held).toEqual([1600]);
  });
});
