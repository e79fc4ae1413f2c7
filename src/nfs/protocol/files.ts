import {
  array,
  bool,
  choice,
  enumeration,
  linkedList,
  name,
  nothing,
  offset,
  opaque,
  struct,
  type TypeOf,
  u32,
  u64,
} from '../xdr/codec.ts';
import { operation } from './operation.ts';
import { bitmap, change, component, fattr, fileHandle, MAX_TARGET_BYTES, stable, stateid, verifier } from './types.ts';

/** Data of one READ or WRITE. The transport limits a message further. */
export const MAX_DATA_BYTES = 16 << 20;
const MAX_ENTRIES = 1 << 20;

const changeInfo = struct({ atomic: bool, before: change, after: change });
export type ChangeInfo = TypeOf<typeof changeInfo>;

export const createType = choice('type', {
  1: nothing,
  2: nothing,
  3: struct({ major: u32, minor: u32 }),
  4: struct({ major: u32, minor: u32 }),
  5: struct({ target: name(MAX_TARGET_BYTES + 1) }),
  6: nothing,
  7: nothing,
});

export const directoryEntry = struct({ cookie: u64, name: component, attributes: fattr });
export type DirectoryEntry = TypeOf<typeof directoryEntry>;

const sectionFlavors = struct({ flavors: array(enumeration<0 | 1>(0, 1), 8) });

/** Operations on file handles, names and data, RFC 8881 18. */
export const fileOperations = {
  ACCESS: operation(struct({ access: u32 }), struct({ supported: u32, access: u32 })),
  COMMIT: operation(struct({ offset, count: u32 }), struct({ verifier })),
  CREATE: operation(
    struct({ object: createType, name: component, attributes: fattr }),
    struct({ change: changeInfo, set: bitmap }),
  ),
  GETATTR: operation(struct({ mask: bitmap }), struct({ attributes: fattr })),
  GETFH: operation(nothing, struct({ handle: fileHandle })),
  LINK: operation(struct({ name: component }), struct({ change: changeInfo })),
  LOOKUP: operation(struct({ name: component }), nothing),
  LOOKUPP: operation(nothing, nothing),
  NVERIFY: operation(struct({ attributes: fattr }), nothing),
  PUTFH: operation(struct({ handle: fileHandle }), nothing),
  PUTPUBFH: operation(nothing, nothing),
  PUTROOTFH: operation(nothing, nothing),
  READ: operation(struct({ stateid, offset, count: u32 }), struct({ eof: bool, data: opaque(MAX_DATA_BYTES) })),
  READDIR: operation(
    struct({ cookie: u64, verifier, directoryBytes: u32, maxBytes: u32, mask: bitmap }),
    struct({ verifier, entries: linkedList(directoryEntry, MAX_ENTRIES), eof: bool }),
  ),
  READLINK: operation(nothing, struct({ target: name(MAX_TARGET_BYTES) })),
  REMOVE: operation(struct({ name: component }), struct({ change: changeInfo })),
  RENAME: operation(
    struct({ oldName: component, newName: component }),
    struct({ source: changeInfo, target: changeInfo }),
  ),
  RESTOREFH: operation(nothing, nothing),
  SAVEFH: operation(nothing, nothing),
  SECINFO: operation(struct({ name: component }), sectionFlavors),
  SECINFO_NO_NAME: operation(struct({ style: enumeration<0 | 1>(0, 1) }), sectionFlavors),
  SETATTR: operation(struct({ stateid, attributes: fattr }), nothing, { always: struct({ set: bitmap }) }),
  VERIFY: operation(struct({ attributes: fattr }), nothing),
  WRITE: operation(
    struct({ stateid, offset, stable, data: opaque(MAX_DATA_BYTES) }),
    struct({ count: u32, committed: stable, verifier }),
  ),
};
