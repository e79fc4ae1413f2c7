import { bool, type Codec, choice, nothing, offset, opaque, struct, type TypeOf, u32, u64 } from '../xdr/codec.ts';
import { XdrError, XdrReader } from '../xdr/reader.ts';
import { XdrWriter } from '../xdr/writer.ts';
import { type Bitmap, bitmap, change, type Fattr, fileHandle, time } from './types.ts';

/** settime4: the server's time, or a given one. */
const setTime = choice('how', { 0: nothing, 1: struct({ time }) });

const OWNER_BYTES = 1024;

/** The attributes that Berth knows, by the names and numbers of RFC 8881 5.8. */
export const attributes = {
  supported_attrs: { number: 0, codec: bitmap },
  type: { number: 1, codec: u32 },
  fh_expire_type: { number: 2, codec: u32 },
  change: { number: 3, codec: change },
  size: { number: 4, codec: offset },
  link_support: { number: 5, codec: bool },
  symlink_support: { number: 6, codec: bool },
  named_attr: { number: 7, codec: bool },
  fsid: { number: 8, codec: struct({ major: u64, minor: u64 }) },
  unique_handles: { number: 9, codec: bool },
  lease_time: { number: 10, codec: u32 },
  rdattr_error: { number: 11, codec: u32 },
  aclsupport: { number: 13, codec: u32 },
  cansettime: { number: 15, codec: bool },
  case_insensitive: { number: 16, codec: bool },
  case_preserving: { number: 17, codec: bool },
  chown_restricted: { number: 18, codec: bool },
  filehandle: { number: 19, codec: fileHandle },
  fileid: { number: 20, codec: u64 },
  files_avail: { number: 21, codec: u64 },
  files_free: { number: 22, codec: u64 },
  files_total: { number: 23, codec: u64 },
  homogeneous: { number: 26, codec: bool },
  maxfilesize: { number: 27, codec: u64 },
  maxlink: { number: 28, codec: u32 },
  maxname: { number: 29, codec: u32 },
  maxread: { number: 30, codec: offset },
  maxwrite: { number: 31, codec: offset },
  mode: { number: 33, codec: u32 },
  no_trunc: { number: 34, codec: bool },
  numlinks: { number: 35, codec: u32 },
  owner: { number: 36, codec: opaque(OWNER_BYTES) },
  owner_group: { number: 37, codec: opaque(OWNER_BYTES) },
  rawdev: { number: 41, codec: struct({ major: u32, minor: u32 }) },
  space_avail: { number: 42, codec: u64 },
  space_free: { number: 43, codec: u64 },
  space_total: { number: 44, codec: u64 },
  space_used: { number: 45, codec: offset },
  time_access: { number: 47, codec: time },
  time_access_set: { number: 48, codec: setTime },
  time_create: { number: 50, codec: time },
  time_delta: { number: 51, codec: time },
  time_metadata: { number: 52, codec: time },
  time_modify: { number: 53, codec: time },
  time_modify_set: { number: 54, codec: setTime },
  mounted_on_fileid: { number: 55, codec: u64 },
  suppattr_exclcreat: { number: 75, codec: bitmap },
} as const;

export type AttributeName = keyof typeof attributes;
export type Attributes = { [N in AttributeName]: TypeOf<(typeof attributes)[N]['codec']> };

interface Entry {
  name: AttributeName;
  codec: Codec<unknown>;
}
const byNumber = new Map<number, Entry>(
  Object.entries(attributes).map(([name, { number, codec }]) => [
    number,
    { name: name as AttributeName, codec: codec as Codec<unknown> },
  ]),
);

export function bitmapOf(names: readonly AttributeName[]): Bitmap {
  const words: Bitmap = [];
  for (const name of names) {
    const { number } = attributes[name];
    const word = number >> 5;
    while (words.length <= word) words.push(0);
    words[word] = (words[word]! | (1 << (number & 31))) >>> 0;
  }
  return words;
}

export const hasAttribute = (mask: Bitmap, name: AttributeName): boolean => {
  const { number } = attributes[name];
  return (((mask[number >> 5] ?? 0) >>> (number & 31)) & 1) === 1;
};

/** Attribute numbers of a bitmap, in order; also such that Berth does not know. */
export function numbersOf(mask: Bitmap): number[] {
  const numbers: number[] = [];
  for (let word = 0; word < mask.length; word++) {
    for (let bits = mask[word]!, bit = 0; bits !== 0; bits >>>= 1, bit++) {
      if (bits & 1) numbers.push(word * 32 + bit);
    }
  }
  return numbers;
}

const SET_ONLY: readonly AttributeName[] = ['time_access_set', 'time_modify_set'];
export const SETTABLE: readonly AttributeName[] = ['size', 'mode', 'owner', 'owner_group', ...SET_ONLY];
const READABLE = (Object.keys(attributes) as AttributeName[]).filter((name) => !SET_ONLY.includes(name));
/** Whether there are attributes that cannot be asked for, RFC 8881 5.5. */
export const asksForSetOnly = (mask: Bitmap): boolean => SET_ONLY.some((name) => hasAttribute(mask, name));

export const supportedMask = bitmapOf(Object.keys(attributes) as AttributeName[]);
/** All settable ones but the times, which hold the verifier; RFC 8881 5.8.1.14. */
export const exclusiveCreateMask = bitmapOf(['size', 'mode', 'owner', 'owner_group']);
export const readableMask = bitmapOf(READABLE);

/** The part of what was asked for that there is to answer: RFC 8881 18.7.3 leaves the rest out silently. */
export interface AttributePlan {
  mask: Bitmap;
  entries: readonly Entry[];
  has(name: AttributeName): boolean;
}

const MAX_PLANS = 256;

/** Plans by bitmap: a client asks for the same few sets over and over. */
export function createPlanner(): (mask: Bitmap) => AttributePlan {
  const plans = new Map<string, AttributePlan>();
  return (asked) => {
    const key = asked.join();
    const known = plans.get(key);
    if (known !== undefined) return known;
    const mask = asked.map((word, i) => (word & (readableMask[i] ?? 0)) >>> 0);
    while (mask.length > 0 && mask.at(-1) === 0) mask.pop();
    const plan = {
      mask,
      entries: numbersOf(mask).map((number) => byNumber.get(number)!),
      has: (name: AttributeName) => hasAttribute(mask, name),
    };
    if (plans.size >= MAX_PLANS) plans.clear();
    plans.set(key, plan);
    return plan;
  };
}

/** Where the values of attributes come from. */
export type AttributeSources<V> = { [N in AttributeName]?: (view: V) => Attributes[N] };

/** Puts the plan's attributes into XDR, each as its source tells it. */
export function encodeAttributes<V>(plan: AttributePlan, sources: AttributeSources<V>, view: V): Fattr {
  const writer = new XdrWriter(256);
  for (const { name, codec } of plan.entries) codec.write(writer, sources[name]!(view));
  return { mask: plan.mask, values: writer.toBuffer() };
}

/** For those who have values at hand: the client, and tests. */
export function packAttributes(values: Partial<Attributes>): Fattr {
  const mask = bitmapOf(Object.keys(values) as AttributeName[]);
  const writer = new XdrWriter(128);
  for (const number of numbersOf(mask)) {
    const { name, codec } = byNumber.get(number)!;
    codec.write(writer, values[name]);
  }
  return { mask, values: writer.toBuffer() };
}

/**
 * Takes attribute values apart. Throws XdrError when the values are not exactly those of the bitmap. `unknown` is set
 * when there are attributes that Berth does not know, behind which nothing can be read.
 */
export function unpackAttributes({ mask, values }: Fattr): { values: Partial<Attributes>; unknown: boolean } {
  const reader = new XdrReader(values);
  const result: Record<string, unknown> = {};
  for (const number of numbersOf(mask)) {
    const entry = byNumber.get(number);
    if (entry === undefined) return { values: result, unknown: true };
    result[entry.name] = entry.codec.read(reader);
  }
  if (reader.remainingBytes > 0) throw new XdrError(`${reader.remainingBytes} bytes behind the attributes`);
  return { values: result, unknown: false };
}
