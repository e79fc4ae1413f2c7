import { XdrError, type XdrReader } from './reader.ts';
import type { XdrWriter } from './writer.ts';

/** What a codec is made of, so that tests can make up values for it. */
export type Shape =
  | { kind: 'u32' | 'i32' | 'u64' | 'i64' | 'offset' | 'bool' | 'nothing' }
  | { kind: 'opaque'; maxBytes: number }
  | { kind: 'fixed'; length: number }
  | { kind: 'name'; maxBytes: number }
  | { kind: 'array'; of: AnyCodec; max: number }
  | { kind: 'optional'; of: AnyCodec }
  | { kind: 'enumeration'; values: readonly number[] }
  | { kind: 'struct'; fields: Record<string, AnyCodec> }
  | { kind: 'choice'; tag: string; cases: Record<number, AnyCodec>; otherwise?: AnyCodec };

/** Both directions of one XDR type. */
export interface Codec<T> {
  read(reader: XdrReader): T;
  write(writer: XdrWriter, value: T): void;
  readonly shape: Shape;
}

// biome-ignore lint/suspicious/noExplicitAny: a codec takes what it gives, so only `any` holds codecs of every type
export type AnyCodec = Codec<any>;
export type TypeOf<C> = C extends Codec<infer T> ? T : never;

export const u32: Codec<number> = {
  read: (reader) => reader.u32(),
  write: (writer, value) => writer.u32(value),
  shape: { kind: 'u32' },
};
export const i32: Codec<number> = {
  read: (reader) => reader.i32(),
  write: (writer, value) => writer.i32(value),
  shape: { kind: 'i32' },
};
export const u64: Codec<bigint> = {
  read: (reader) => reader.u64(),
  write: (writer, value) => writer.u64(value),
  shape: { kind: 'u64' },
};
export const i64: Codec<bigint> = {
  read: (reader) => reader.i64(),
  write: (writer, value) => writer.i64(value),
  shape: { kind: 'i64' },
};
/** A 64-bit number that is exact as a double, see XdrReader.offset. */
export const offset: Codec<number> = {
  read: (reader) => reader.offset(),
  write: (writer, value) => writer.offset(value),
  shape: { kind: 'offset' },
};
export const bool: Codec<boolean> = {
  read: (reader) => reader.bool(),
  write: (writer, value) => writer.bool(value),
  shape: { kind: 'bool' },
};
// biome-ignore lint/complexity/noBannedTypes: XDR's void is a struct without fields, which joins well with others
export const nothing: Codec<{}> = { read: () => ({}), write: () => {}, shape: { kind: 'nothing' } };

export const opaque = (maxBytes: number): Codec<Buffer> => ({
  read: (reader) => reader.opaque(maxBytes),
  write: (writer, value) => writer.opaque(value),
  shape: { kind: 'opaque', maxBytes },
});

export const fixed = (length: number): Codec<Buffer> => ({
  read: (reader) => reader.fixed(length),
  write: (writer, value) => writer.fixed(value),
  shape: { kind: 'fixed', length },
});

/**
 * A file's name or a link's target: bytes without a known encoding, held as a string of one character a byte ("latin1"),
 * which is quick and loses nothing.
 */
export const name = (maxBytes: number): Codec<string> => ({
  read: (reader) => reader.opaque(maxBytes).toString('latin1'),
  write: (writer, value) => writer.opaque(Buffer.from(value, 'latin1')),
  shape: { kind: 'name', maxBytes },
});

export const array = <T>(of: Codec<T>, max: number, minBytes = 4): Codec<T[]> => ({
  read: (reader) => {
    const values: T[] = [];
    for (let left = reader.count(max, minBytes); left > 0; left--) values.push(of.read(reader));
    return values;
  },
  write: (writer, values) => {
    writer.u32(values.length);
    for (const value of values) of.write(writer, value);
  },
  shape: { kind: 'array', of, max },
});

/** A list whose every element is preceded by true, and which ends with false. */
export const linkedList = <T>(of: Codec<T>, max: number): Codec<T[]> => ({
  read: (reader) => {
    const values: T[] = [];
    while (reader.bool()) {
      if (values.length === max) throw new XdrError(`more than ${max} elements`);
      values.push(of.read(reader));
    }
    return values;
  },
  write: (writer, values) => {
    for (const value of values) {
      writer.bool(true);
      of.write(writer, value);
    }
    writer.bool(false);
  },
  shape: { kind: 'array', of, max },
});

export const optional = <T>(of: Codec<T>): Codec<T | undefined> => ({
  read: (reader) => (reader.bool() ? of.read(reader) : undefined),
  write: (writer, value) => {
    writer.bool(value !== undefined);
    if (value !== undefined) of.write(writer, value);
  },
  shape: { kind: 'optional', of },
});

export const enumeration = <N extends number>(...values: readonly N[]): Codec<N> => ({
  read: (reader) => {
    const value = reader.u32() as N;
    if (!values.includes(value)) throw new XdrError(`${value} is none of ${values.join()}`);
    return value;
  },
  write: (writer, value) => writer.u32(value),
  shape: { kind: 'enumeration', values },
});

type Fields = Record<string, AnyCodec>;
type Struct<F extends Fields> = { [K in keyof F]: TypeOf<F[K]> };

export function struct<F extends Fields>(fields: F): Codec<Struct<F>> {
  const keys = Object.keys(fields);
  const codecs = Object.values(fields);
  return {
    read: (reader) => {
      const value: Record<string, unknown> = {};
      for (let i = 0; i < keys.length; i++) value[keys[i]!] = codecs[i]!.read(reader);
      return value as Struct<F>;
    },
    write: (writer, value) => {
      for (let i = 0; i < keys.length; i++) codecs[i]!.write(writer, value[keys[i]!]);
    },
    shape: { kind: 'struct', fields },
  };
}

type Cases = Record<number, AnyCodec>;
type Choice<Tag extends string, C extends Cases> = {
  [N in keyof C & number]: { [K in Tag]: N } & TypeOf<C[N]>;
}[keyof C & number];

/** A discriminated union whose arms are structs; the discriminant is a field of the value beside the arm's own. */
export function choice<Tag extends string, C extends Cases>(tag: Tag, cases: C): Codec<Choice<Tag, C>> {
  return {
    read: (reader) => {
      const at = reader.u32();
      const arm = cases[at];
      if (arm === undefined) throw new XdrError(`${tag} ${at} is not known`);
      return { [tag]: at, ...arm.read(reader) } as Choice<Tag, C>;
    },
    write: (writer, value) => {
      const at = (value as Record<string, unknown>)[tag] as number;
      writer.u32(at);
      cases[at]!.write(writer, value);
    },
    shape: { kind: 'choice', tag, cases },
  };
}
