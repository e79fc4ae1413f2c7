import * as calls from './calls.ts';
import type { FileStat } from './file-stat.ts';
import { pathOf } from './names.ts';
import type { FileNode } from './node.ts';

/**
 * The names of a directory in the order of their cookies. A cookie is a hash of the name: it is the same after a
 * restart, and when others come and go. 52 bits, so that it is exact as a double and below the sign of any client's
 * offset; 0 to 2 mean something else (RFC 8881 18.23.3).
 */
export interface Listing {
  cookies: Float64Array;
  names: string[];
}

export interface Listings {
  /** The listing of the directory that is open as `fd` and was last seen as `stat`. */
  read(node: FileNode, fd: number, stat: FileStat): Promise<Listing>;
}

const FIRST_COOKIE = 3;
const TWO_32 = 0x1_0000_0000;
/** A directory that changed so lately may change again within the same tick of its clock. */
const SETTLED_MS = 50;

/** Two runs of FNV-1a with different starts, mixed as MurmurHash3 ends. */
function hashName(name: string): number {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  for (let i = 0; i < name.length; i++) {
    const byte = name.charCodeAt(i);
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ byte, 0x85ebca6b);
  }
  low = Math.imul(low ^ (low >>> 16) ^ high, 0x85ebca6b);
  high = Math.imul(high ^ (high >>> 13) ^ low, 0xc2b2ae35);
  return ((high >>> 12) & 0xfffff) * TWO_32 + (low >>> 0);
}

/** `hash` is a parameter for tests: names that collide are put one after the other, in the order of their bytes. */
export function sortNames(names: readonly string[], hash = hashName): Listing {
  const byHash = new Map<number, string | string[]>();
  const cookies = new Float64Array(names.length);
  names.forEach((name, i) => {
    const cookie = Math.max(hash(name), FIRST_COOKIE);
    cookies[i] = cookie;
    const there = byHash.get(cookie);
    if (there === undefined) byHash.set(cookie, name);
    else byHash.set(cookie, typeof there === 'string' ? [there, name].sort() : [...there, name].sort());
  });
  cookies.sort();
  const sorted: string[] = [];
  for (let i = 0; i < cookies.length; i++) {
    const found = byHash.get(cookies[i]!)!;
    if (typeof found === 'string') sorted.push(found);
    // The second of two equal hashes finds the second name.
    else sorted.push(found.shift()!);
  }
  for (let i = 1; i < cookies.length; i++) cookies[i] = Math.max(cookies[i]!, cookies[i - 1]! + 1);
  return { cookies, names: sorted };
}

/** Index of the first entry behind `cookie`. */
export function indexAfter({ cookies }: Listing, cookie: number): number {
  let from = 0;
  let to = cookies.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (cookies[middle]! > cookie) to = middle;
    else from = middle + 1;
  }
  return from;
}

export function createListings(maxNames: number, now: () => number): Listings {
  interface Kept {
    version: string;
    listing: Listing;
  }
  const kept = new Map<FileNode, Kept>();
  let names = 0;

  const drop = (node: FileNode): void => {
    names -= kept.get(node)?.listing.names.length ?? 0;
    kept.delete(node);
  };
  const keep = (node: FileNode, entry: Kept): void => {
    drop(node);
    kept.set(node, entry);
    names += entry.listing.names.length;
    for (const [oldest] of kept) {
      if (names <= maxNames || oldest === node) break;
      drop(oldest);
    }
  };

  return {
    async read(node, fd, stat) {
      const { modified } = stat;
      const version = `${node.changes?.made ?? 0}.${modified.seconds}.${modified.nanoseconds}`;
      const known = kept.get(node);
      if (known?.version === version) return known.listing;
      const changedMs = modified.seconds * 1000 + modified.nanoseconds / 1e6;
      const isSettled = now() - changedMs > SETTLED_MS;
      const listing = sortNames(await calls.readdir(pathOf(fd)));
      if (isSettled) keep(node, { version, listing });
      return listing;
    },
  };
}
