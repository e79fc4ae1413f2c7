import fc from 'fast-check';
import type { AnyCodec } from '../../src/nfs/xdr/codec.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const bytes = (constraints: { minLength?: number; maxLength: number }): fc.Arbitrary<Buffer> =>
  fc.uint8Array(constraints).map((array) => Buffer.from(array));
const MAX_BYTES = 48;
const MAX_ELEMENTS = 4;

/** Values that a codec can carry, made up from what it says of itself. */
export function valuesOf({ shape }: AnyCodec): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'u32':
      return u32;
    case 'i32':
      return fc.integer();
    case 'u64':
      return fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
    case 'i64':
      return fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
    case 'offset':
      return fc.maxSafeNat();
    case 'bool':
      return fc.boolean();
    case 'nothing':
      return fc.constant({});
    case 'opaque':
      return bytes({ maxLength: Math.min(shape.maxBytes, MAX_BYTES) });
    case 'fixed':
      return bytes({ minLength: shape.length, maxLength: shape.length });
    case 'name':
      return bytes({ maxLength: Math.min(shape.maxBytes, MAX_BYTES) }).map((buffer) => buffer.toString('latin1'));
    case 'array':
      return fc.array(valuesOf(shape.of), { maxLength: Math.min(shape.max, MAX_ELEMENTS) });
    case 'optional':
      return fc.option(valuesOf(shape.of), { nil: undefined });
    case 'enumeration':
      return fc.constantFrom(...shape.values);
    case 'struct':
      return fc.record(Object.fromEntries(Object.entries(shape.fields).map(([key, codec]) => [key, valuesOf(codec)])));
    case 'choice':
      return fc.oneof(
        ...Object.entries(shape.cases).map(([at, codec]) =>
          valuesOf(codec).map((value) => ({ [shape.tag]: Number(at), ...(value as object) })),
        ),
      );
  }
}
