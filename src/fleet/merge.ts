import type { CsiCall } from '../csi/compose.ts';
import type { PageRequest } from '../csi/types.ts';
import { fromToken, toToken } from '../volumes/ids.ts';
import { ask } from './ask.ts';
import type { FleetNode } from './hub.ts';

interface Entry {
  volume?: { volume_id: string };
  snapshot?: { snapshot_id: string };
  volume_health?: { volume_id: string };
}

export interface ListResponse {
  entries: Entry[];
  next_token: string;
}

const idOf = ({ volume, snapshot, volume_health }: Entry): string =>
  volume?.volume_id ?? snapshot?.snapshot_id ?? volume_health?.volume_id ?? '';

/**
 * One page of what all connected nodes have. Each node lists in the order of the ids, which begin with the pool's, and a
 * token is the id after which a page begins: so the same token serves every node, whichever gave it out. A node that
 * cannot answer makes the listing fail rather than look empty. Throws PAGE_TOKEN_INVALID.
 */
export async function mergePages(
  nodes: readonly FleetNode[],
  request: PageRequest,
  call: CsiCall,
): Promise<ListResponse> {
  fromToken(request.starting_token); // also where there is nobody to ask
  const pages = await Promise.all(nodes.map((node) => ask<ListResponse>(node, request, call)));
  // Beyond the first end of a page there may be more of that node that was not given.
  const ends = pages.flatMap(({ next_token }) => (next_token === '' ? [] : [idOfToken(next_token)])).toSorted();
  const known = pages
    .flatMap((page) => page.entries)
    .filter((entry) => ends.length === 0 || idOf(entry) <= ends[0]!)
    .toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  const max = request.max_entries;
  if (max === 0 || known.length <= max) {
    return { entries: known, next_token: ends.length === 0 ? '' : toToken(ends[0]!) };
  }
  const entries = known.slice(0, max);
  return { entries, next_token: toToken(idOf(entries.at(-1)!)) };
}

function idOfToken(token: string): string {
  const { poolId, uuid } = fromToken(token)!;
  return `${poolId}.${uuid}`;
}
