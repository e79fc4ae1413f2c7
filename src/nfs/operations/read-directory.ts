import * as calls from '../fs/calls.ts';
import { isAbsence } from '../fs/directory-cache.ts';
import { toFileStat } from '../fs/file-stat.ts';
import { indexAfter } from '../fs/listing.ts';
import { pathBelow, pathOf } from '../fs/names.ts';
import { type FileNode, isDirectory } from '../fs/node.ts';
import { demand, granted, May } from '../fs/permissions.ts';
import { type AttributePlan, asksForSetOnly, encodeAttributes, packAttributes } from '../protocol/attributes.ts';
import type { DirectoryEntry } from '../protocol/files.ts';
import type { Arguments, Result } from '../protocol/operations.ts';
import { fail, NFS4 } from '../protocol/status.ts';
import { type Fattr, VERIFIER_BYTES } from '../protocol/types.ts';
import { padding } from '../xdr/reader.ts';
import { needsSpace, sources, type View } from './attribute-sources.ts';
import { type Context, current, type Handlers, isPseudo, statCurrent } from './context.ts';

/**
 * A constant: cookies mean the same whatever happens to the directory, and clients do badly with a verifier that
 * changes.
 */
const VERIFIER = Buffer.alloc(VERIFIER_BYTES);
const MAX_REPLY_BYTES = 262_144;
/** Status, verifier, end of the list, eof. */
const OVERHEAD_BYTES = 24;
const STATS_AT_ONCE = 32;
const LAST_RESERVED_COOKIE = 2n;
const MAX_COOKIE = BigInt(Number.MAX_SAFE_INTEGER);

type Found = { name: string; attributes: Fattr } | undefined;

/** The size of an entry, in the whole answer and in what counts for `dircount`: cookie and name. RFC 8881 18.23.3. */
function sizesOf({ name, attributes: { mask, values } }: DirectoryEntry): { whole: number; inDirectory: number } {
  const nameBytes = 4 + name.length + padding(name.length);
  const inDirectory = 8 + nameBytes;
  return { inDirectory, whole: 4 + inDirectory + 4 + 4 * mask.length + 4 + values.length + padding(values.length) };
}

/** Takes entries as long as they fit. */
function createPage({ directoryBytes, maxBytes }: { directoryBytes: number; maxBytes: number }) {
  const entries: DirectoryEntry[] = [];
  let whole = OVERHEAD_BYTES;
  let inDirectory = 0;
  return {
    entries,
    add(entry: DirectoryEntry): boolean {
      const sizes = sizesOf(entry);
      const isTooMuch =
        whole + sizes.whole > maxBytes ||
        (directoryBytes > 0 && entries.length > 0 && inDirectory + sizes.inDirectory > directoryBytes);
      if (isTooMuch) return false;
      whole += sizes.whole;
      inDirectory += sizes.inDirectory;
      entries.push(entry);
      return true;
    },
  };
}

/** An entry with its attributes; undefined when it has gone since the names were read, or belongs elsewhere. */
async function look(
  context: Context,
  directory: FileNode,
  fd: number,
  name: string,
  plan: AttributePlan,
  space: View['space'],
): Promise<Found> {
  try {
    const stat = toFileStat(await calls.lstat(pathBelow(fd, name)));
    if (stat.device !== directory.volume.device) return undefined;
    const target = directory.volume.admit(stat, directory, name);
    const view = { target, stat, space, leaseMs: context.server.leaseMs };
    return { name, attributes: encodeAttributes(plan, sources, view) };
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

async function readNode(context: Context, directory: FileNode, args: Arguments<'READDIR'>): Promise<Result<'READDIR'>> {
  const { server, caller } = context;
  const plan = server.plan(args.mask);
  const stat = await statCurrent(context);
  demand(stat, caller, May.READ);
  const mayLook = granted(stat, caller, May.SEARCH) === May.SEARCH;
  const unseen = packAttributes(plan.has('rdattr_error') ? { rdattr_error: NFS4.ERR_ACCESS } : {});
  const page = createPage(args);
  let eof = true;
  await server.store.inDirectory(directory, async (fd) => {
    const space = needsSpace(plan) ? await calls.statfs(pathOf(fd)) : undefined;
    const listing = await server.store.listings.read(directory, fd, stat);
    const { cookies, names } = listing;
    const from = indexAfter(listing, Number(args.cookie));
    for (let at = from; at < names.length && eof; at += STATS_AT_ONCE) {
      const batch = names.slice(at, at + STATS_AT_ONCE);
      const found = await Promise.all(
        batch.map((name) => (mayLook ? look(context, directory, fd, name, plan, space) : { name, attributes: unseen })),
      );
      for (const [i, entry] of found.entries()) {
        if (entry === undefined) continue;
        if (page.add({ cookie: BigInt(cookies[at + i]!), ...entry })) continue;
        eof = false;
        break;
      }
    }
  });
  if (!eof && page.entries.length === 0) fail(NFS4.ERR_TOOSMALL);
  return { verifier: VERIFIER, entries: page.entries, eof };
}

async function readVolumes({ server }: Context, args: Arguments<'READDIR'>): Promise<Result<'READDIR'>> {
  const plan = server.plan(args.mask);
  const page = createPage(args);
  let eof = true;
  const volumes = [...server.store.volumes()]
    .map((volume) => ({ volume, cookie: (volume.id.readBigUInt64BE(8) & 0xf_ffff_ffff_fff0n) | 8n }))
    .filter(({ cookie }) => cookie > args.cookie)
    .sort((a, b) => (a.cookie < b.cookie ? -1 : 1));
  for (const { volume, cookie } of volumes) {
    const stat = await server.store.stat(volume.root);
    const space = needsSpace(plan) ? await calls.statfs(pathOf(volume.rootFd)) : undefined;
    const attributes = encodeAttributes(plan, sources, { target: volume.root, stat, space, leaseMs: server.leaseMs });
    if (page.add({ cookie, name: volume.name, attributes })) continue;
    eof = false;
    break;
  }
  if (!eof && page.entries.length === 0) fail(NFS4.ERR_TOOSMALL);
  return { verifier: VERIFIER, entries: page.entries, eof };
}

/** RFC 8881 18.23. */
export const directoryHandlers: Pick<Handlers, 'READDIR'> = {
  async READDIR(context, args) {
    const target = current(context);
    if (!isPseudo(target) && !isDirectory(target)) fail(NFS4.ERR_NOTDIR);
    if (asksForSetOnly(args.mask)) fail(NFS4.ERR_INVAL);
    if (args.cookie > 0n && args.cookie <= LAST_RESERVED_COOKIE) fail(NFS4.ERR_BAD_COOKIE);
    if (args.cookie > MAX_COOKIE) fail(NFS4.ERR_BAD_COOKIE);
    if (args.cookie !== 0n && !args.verifier.equals(VERIFIER)) fail(NFS4.ERR_NOT_SAME);
    const maxBytes = Math.min(args.maxBytes, MAX_REPLY_BYTES, context.roomBytes);
    if (maxBytes < OVERHEAD_BYTES) fail(NFS4.ERR_TOOSMALL);
    const bounded = { ...args, maxBytes };
    return isPseudo(target) ? readVolumes(context, bounded) : readNode(context, target, bounded);
  },
};
