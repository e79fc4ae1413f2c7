import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Attributes, attributes, packAttributes, unpackAttributes } from '../../src/nfs/protocol/attributes.ts';
import { readCompound, writeCompound } from '../../src/nfs/protocol/compound.ts';
import { type Call, operations } from '../../src/nfs/protocol/operations.ts';
import type { AnyCodec } from '../../src/nfs/xdr/codec.ts';
import { XdrError, XdrReader } from '../../src/nfs/xdr/reader.ts';
import { XdrWriter } from '../../src/nfs/xdr/writer.ts';
import { valuesOf } from './arbitraries.ts';

const encode = (codec: AnyCodec, value: unknown): Buffer => {
  const writer = new XdrWriter(8);
  codec.write(writer, value);
  return writer.toBuffer();
};

const codecs: [string, AnyCodec][] = Object.entries(operations).flatMap(([name, operation]) => [
  [`${name} arguments`, operation.arguments],
  [`${name} result`, operation.result],
  ...(operation.denied === undefined ? [] : [[`${name} denied`, operation.denied] as [string, AnyCodec]]),
]);

describe('codec', () => {
  it.each(codecs)('%s comes back as it was', (_, codec) => {
    fc.assert(
      fc.property(valuesOf(codec), (value) => {
        const bytes = encode(codec, value);
        expect(bytes.length % 4).toBe(0);
        const reader = new XdrReader(bytes);
        expect(codec.read(reader)).toEqual(value);
        expect(reader.remainingBytes).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it.each(codecs)('%s ends changed bytes with XdrError, or reads them', (_, codec) => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });
    fc.assert(
      fc.property(valuesOf(codec), edits, fc.nat(), (value, changes, cut) => {
        const bytes = Buffer.from(encode(codec, value));
        for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        const shorter = bytes.subarray(0, bytes.length - (cut % (bytes.length + 1)));
        try {
          codec.read(new XdrReader(shorter));
        } catch (error) {
          expect(error).toBeInstanceOf(XdrError);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('takes no memory on the word of a length', () => {
    const huge = Buffer.from('ffffffff00000000', 'hex');
    expect(() => new XdrReader(huge).opaque(0xffff_ffff)).toThrow(XdrError);
    expect(() => new XdrReader(huge).count(0xffff_ffff)).toThrow(XdrError);
  });

  it('pads with zeros and grows in any order', () => {
    const writer = new XdrWriter(4);
    writer.opaque(Buffer.from('abcde'));
    writer.u64(1n);
    const large = Buffer.alloc(20_001, 7);
    writer.opaque(large);
    writer.u32(9);
    const bytes = writer.toBuffer();
    expect(bytes.subarray(0, 20).toString('hex')).toBe('0000000561626364650000000000000000000001');
    const reader = new XdrReader(bytes, 20);
    expect(reader.opaque(30_000).equals(large)).toBe(true);
    expect(reader.u32()).toBe(9);
  });

  it('takes back what was written last', () => {
    const writer = new XdrWriter(4);
    writer.u32(1);
    const length = writer.length;
    writer.opaque(Buffer.alloc(50_000));
    writer.u32(2);
    writer.truncate(length);
    writer.u32(3);
    expect(writer.toBuffer().toString('hex')).toBe('0000000100000003');
  });
});

describe('attributes', () => {
  const values = fc.record(
    Object.fromEntries(Object.entries(attributes).map(([name, { codec }]) => [name, valuesOf(codec as AnyCodec)])),
    { requiredKeys: [] },
  );

  it('come back as they were', () => {
    fc.assert(
      fc.property(values, (given) => {
        const { values: got, unknown } = unpackAttributes(packAttributes(given as Partial<Attributes>));
        expect(unknown).toBe(false);
        expect(got).toEqual(given);
      }),
    );
  });

  it('stop at a number that is not known', () => {
    expect(unpackAttributes({ mask: [0, 0, 1 << 30], values: Buffer.alloc(0) }).unknown).toBe(true);
  });

  it('refuse bytes that belong to none', () => {
    expect(() => unpackAttributes({ mask: [], values: Buffer.alloc(4) })).toThrow(XdrError);
  });
});

describe('compound', () => {
  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (array) => {
        try {
          readCompound(new XdrReader(Buffer.from(array)), 64);
        } catch (error) {
          expect(error).toBeInstanceOf(XdrError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('comes back as it was', () => {
    const calls: Call[] = [
      { name: 'PUTROOTFH', arguments: {} },
      { name: 'LOOKUP', arguments: { name: 'a' } },
      { name: 'GETATTR', arguments: { mask: [1, 2] } },
    ];
    const request = readCompound(new XdrReader(writeCompound(calls, { tag: 'tag' }).toBuffer()), 64);
    expect(request).toMatchObject({ tag: 'tag', minorVersion: 1, count: 3 });
    expect(request.steps.map((step) => ('call' in step ? step.call : step.refused))).toEqual(calls);
  });
});
