import type { Changes } from '../fs/changes.ts';
import { type Attributes, bitmapOf, SETTABLE } from '../protocol/attributes.ts';
import { fail, NFS4 } from '../protocol/status.ts';
import type { Bitmap, Fattr } from '../protocol/types.ts';
import { unpack } from './attributes.ts';

const MAX_ID = 0xffff_fffe;
const MAX_NANOSECONDS = 999_999_999;
const MAX_SECONDS = 2 ** 53;

/** A user or group by its number; names are not known here. */
function toId(owner: Buffer): number {
  const text = owner.toString('latin1');
  const id = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return id <= MAX_ID ? id : fail(NFS4.ERR_BADOWNER);
}

function toTime(set: Attributes['time_access_set']): NonNullable<Changes['accessed']> {
  if (set.how === 0) return 'now';
  const { seconds, nanoseconds } = set.time;
  if (nanoseconds > MAX_NANOSECONDS) fail(NFS4.ERR_INVAL);
  // On the wire it is a signed number.
  return { seconds: seconds > MAX_SECONDS ? seconds - 2 ** 64 : seconds, nanoseconds };
}

/** What a client asks to be set, and the bitmap that tells it so; RFC 8881 18.30.4. */
export function toChanges(given: Fattr): { changes: Changes; mask: Bitmap } {
  const { values, unknown } = unpack(given);
  if (unknown) fail(NFS4.ERR_ATTRNOTSUPP);
  const names = Object.keys(values) as (keyof Attributes)[];
  if (names.some((name) => !SETTABLE.includes(name))) fail(NFS4.ERR_INVAL);
  const changes: Changes = {};
  if (values.size !== undefined) changes.sizeBytes = values.size;
  if (values.mode !== undefined) changes.mode = values.mode & 0o7777;
  if (values.owner !== undefined) changes.uid = toId(values.owner);
  if (values.owner_group !== undefined) changes.gid = toId(values.owner_group);
  if (values.time_access_set !== undefined) changes.accessed = toTime(values.time_access_set);
  if (values.time_modify_set !== undefined) changes.modified = toTime(values.time_modify_set);
  if (changes.sizeBytes !== undefined && changes.sizeBytes > MAX_SECONDS - 1) fail(NFS4.ERR_FBIG);
  return { changes, mask: bitmapOf(names) };
}
