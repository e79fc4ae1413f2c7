import { readFileSync } from 'node:fs';

/** What the running kernel says about its own types (include/uapi/linux/btf.h), as far as a BPF program needs it. */
export interface KernelTypes {
  /** The number of a function, by its name. */
  functions: Map<string, number>;
  /** Where a member is in its structure, in bytes, by `structure.member`. */
  offsets: Map<string, number>;
}

const MAGIC = 0xeb9f;
const KIND_STRUCT = 4;
const KIND_FUNCTION = 12;
const TYPE_BYTES = 12;
const MEMBER_BYTES = 12;
/** What follows a type of each kind: bytes, and bytes for each of its elements. */
const TRAILERS: readonly (readonly [fixed: number, each: number])[] = [
  [0, 0],
  [4, 0],
  [0, 0],
  [12, 0],
  [0, 12],
  [0, 12],
  [0, 8],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 8],
  [4, 0],
  [0, 12],
  [0, 0],
  [4, 0],
  [0, 0],
  [0, 12],
];

interface Wanted {
  functions: string[];
  members: string[];
}

/** Looks up functions and `structure.member`s; what the kernel does not have is missing from the answer. */
export function readKernelTypes(wanted: Wanted): KernelTypes {
  const data = readFileSync('/sys/kernel/btf/vmlinux');
  try {
    return findTypes(data, wanted);
  } finally {
    data.buffer.transfer(0); // gives back megabytes that an idle thread would not collect
  }
}

function findTypes(data: Buffer, wanted: Wanted): KernelTypes {
  if (data.readUInt16LE(0) !== MAGIC) throw new Error('the kernel’s types are of an unknown format');
  const header = data.readUInt32LE(4);
  const start = header + data.readUInt32LE(8);
  const end = start + data.readUInt32LE(12);
  const stringsAt = header + data.readUInt32LE(16);
  const strings = data.subarray(stringsAt, stringsAt + data.readUInt32LE(20));

  // Names are compared by where they begin among the strings, of which there are more than a hundred thousand.
  const placesOf = (names: Iterable<string>): Map<number, string> =>
    new Map(Array.from(new Set(names), (name) => [strings.indexOf(`\0${name}\0`, 0, 'latin1') + 1, name]));
  const functionNames = placesOf(wanted.functions);
  const structNames = placesOf(wanted.members.map((path) => path.split('.')[0]!));
  const memberNames = placesOf(wanted.members.map((path) => path.split('.')[1]!));
  const types: KernelTypes = { functions: new Map(), offsets: new Map() };

  let at = start;
  for (let id = 1; at < end; id++) {
    const name = data.readUInt32LE(at);
    const info = data.readUInt32LE(at + 4);
    const kind = (info >>> 24) & 0x1f;
    const elements = info & 0xffff;
    const trailer = TRAILERS[kind];
    if (trailer === undefined) throw new Error(`the kernel has types of an unknown kind ${kind}`);
    if (kind === KIND_FUNCTION && name !== 0 && functionNames.has(name))
      types.functions.set(functionNames.get(name)!, id);
    if (kind === KIND_STRUCT && name !== 0 && structNames.has(name)) {
      // With the flag, the upper bits tell the width of a bit field.
      const bits = info >>> 31 === 0 ? 0xffffffff : 0xffffff;
      for (let member = at + TYPE_BYTES; member < at + TYPE_BYTES + elements * MEMBER_BYTES; member += MEMBER_BYTES) {
        const memberName = memberNames.get(data.readUInt32LE(member));
        if (memberName === undefined) continue;
        types.offsets.set(`${structNames.get(name)}.${memberName}`, ((data.readUInt32LE(member + 8) & bits) >>> 0) / 8);
      }
    }
    at += TYPE_BYTES + trailer[0] + trailer[1] * elements;
  }
  return types;
}
