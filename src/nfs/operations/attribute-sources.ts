import type { BigIntStatsFs } from 'node:fs';
import type { FileStat } from '../fs/file-stat.ts';
import { MAX_NAME_BYTES } from '../fs/names.ts';
import { changeOf } from '../fs/node.ts';
import { MAX_IO_BYTES } from '../options.ts';
import {
  type AttributePlan,
  type AttributeSources,
  exclusiveCreateMask,
  supportedMask,
} from '../protocol/attributes.ts';
import type { Change } from '../protocol/types.ts';
import { handleOf, isPseudo, type Target } from './context.ts';
import { mountedOn } from './pseudo-root.ts';

/** A file as its attributes show it. */
export interface View {
  target: Target;
  stat: FileStat;
  /** Needed only for the attributes of `needsSpace`. */
  space: BigIntStatsFs | undefined;
  leaseMs: number;
}

const MAX_LINKS = 65_000;
const MAX_FILE_BYTES = (1n << 63n) - 1n;
const NANOSECOND = { seconds: 0, nanoseconds: 1 };

export function changeAttribute(target: Target, stat: FileStat): Change {
  return isPseudo(target) ? { high: stat.changed.seconds, low: stat.changed.nanoseconds } : changeOf(target, stat);
}

/** Owners as numbers: names would need the same users on all machines. RFC 8881 5.9. */
const numeric = (id: number): Buffer => Buffer.from(String(id));

const blocks = ({ space }: View, count: 'bavail' | 'bfree' | 'blocks'): bigint =>
  space === undefined ? 0n : space[count] * space.bsize;

function fileSystemId({ target }: View): { major: bigint; minor: bigint } {
  if (isPseudo(target)) return { major: 0n, minor: 0n };
  const { id } = target.volume;
  return { major: id.readBigUInt64BE(0), minor: id.readBigUInt64BE(8) };
}

export const sources: AttributeSources<View> = {
  supported_attrs: () => supportedMask,
  type: ({ stat }) => stat.type,
  fh_expire_type: () => 0,
  change: ({ target, stat }) => changeAttribute(target, stat),
  size: ({ stat }) => stat.sizeBytes,
  link_support: () => true,
  symlink_support: () => true,
  named_attr: () => false,
  fsid: fileSystemId,
  unique_handles: () => true,
  lease_time: ({ leaseMs }) => Math.ceil(leaseMs / 1000),
  rdattr_error: () => 0,
  aclsupport: () => 0,
  cansettime: () => true,
  case_insensitive: () => false,
  case_preserving: () => true,
  chown_restricted: () => true,
  filehandle: ({ target }) => handleOf(target),
  fileid: ({ stat }) => stat.ino,
  files_avail: ({ space }) => space?.ffree ?? 0n,
  files_free: ({ space }) => space?.ffree ?? 0n,
  files_total: ({ space }) => space?.files ?? 0n,
  homogeneous: () => true,
  maxfilesize: () => MAX_FILE_BYTES,
  maxlink: () => MAX_LINKS,
  maxname: () => MAX_NAME_BYTES,
  maxread: () => MAX_IO_BYTES,
  maxwrite: () => MAX_IO_BYTES,
  mode: ({ stat }) => stat.mode,
  no_trunc: () => true,
  numlinks: ({ stat }) => stat.links,
  owner: ({ stat }) => numeric(stat.uid),
  owner_group: ({ stat }) => numeric(stat.gid),
  rawdev: ({ stat }) => stat.rawDevice,
  space_avail: (view) => blocks(view, 'bavail'),
  space_free: (view) => blocks(view, 'bfree'),
  space_total: (view) => blocks(view, 'blocks'),
  space_used: ({ stat }) => stat.usedBytes,
  time_access: ({ stat }) => stat.accessed,
  time_create: ({ stat }) => stat.created,
  time_delta: () => NANOSECOND,
  time_metadata: ({ stat }) => stat.changed,
  time_modify: ({ stat }) => stat.modified,
  mounted_on_fileid: ({ target, stat }) =>
    !isPseudo(target) && target === target.volume.root ? mountedOn(target.volume.id) : stat.ino,
  suppattr_exclcreat: () => exclusiveCreateMask,
};

const SPACE = ['files_avail', 'files_free', 'files_total', 'space_avail', 'space_free', 'space_total'] as const;

export const needsSpace = (plan: AttributePlan): boolean => SPACE.some((name) => plan.has(name));
