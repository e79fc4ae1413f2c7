import { closeSync, constants } from 'node:fs';
import { type Extent, writtenExtents } from '../../host/fiemap.ts';
import { openBeneath } from '../../host/files.ts';
import type { Blocks, Place } from '../backend.ts';

/** Looked at before the pool's thread turns to its other work, however little there is to tell. */
const MAX_STEPS = 8_192;

/** What was ever written in an image: `max` pieces at most, from `fromBytes` on. */
export function writtenBlocks(place: Place, fromBytes: bigint, max: number): Blocks {
  return withFile(place, (fd) => {
    const blocks: Blocks['blocks'] = [];
    let steps = 0;
    for (const { startBytes, endBytes } of writtenExtents(fd, fromBytes)) {
      const last = blocks.at(-1);
      if (steps++ === MAX_STEPS) return { blocks, nextBytes: startBytes };
      if (last?.endBytes === startBytes) last.endBytes = endBytes;
      else if (blocks.length === max) return { blocks, nextBytes: startBytes };
      else blocks.push({ startBytes, endBytes });
    }
    return { blocks };
  });
}

/**
 * Where the image at `place` differs from the one at `base`, of which it shares the blocks that neither has changed. A
 * piece whose place on the disk says nothing counts as different.
 */
export function changedBlocks(base: Place, place: Place, fromBytes: bigint, max: number): Blocks {
  return withFile(base, (baseFd) =>
    withFile(place, (fd) => {
      const [before, after] = [openCursor(baseFd, fromBytes), openCursor(fd, fromBytes)];
      const blocks: Blocks['blocks'] = [];
      let at = fromBytes;
      for (let steps = 0; steps < MAX_STEPS; steps++) {
        const ends = [before.nextEdge(at), after.nextEdge(at)].filter((edge) => edge !== undefined);
        if (ends.length === 0) return { blocks };
        const [end] = ends.toSorted((a, b) => (a < b ? -1 : 1)) as [bigint];
        if (differ(before.at(at), after.at(at), at)) {
          const last = blocks.at(-1);
          if (last?.endBytes === at) last.endBytes = end;
          else if (blocks.length === max) break;
          else blocks.push({ startBytes: at, endBytes: end });
        }
        at = end;
      }
      return { blocks, nextBytes: at };
    }),
  );
}

function differ(before: Extent | undefined, after: Extent | undefined, at: bigint): boolean {
  if (before === undefined && after === undefined) return false;
  const from = physicalOf(before, at);
  return from === undefined || from !== physicalOf(after, at);
}

const physicalOf = (extent: Extent | undefined, at: bigint): bigint | undefined =>
  extent?.physicalBytes === undefined ? undefined : extent.physicalBytes + at - extent.startBytes;

/** Goes through the extents of a file once. */
function openCursor(fd: number, fromBytes: bigint) {
  const extents = writtenExtents(fd, fromBytes);
  let current = extents.next().value as Extent | undefined;
  const forward = (position: bigint): Extent | undefined => {
    while (current !== undefined && current.endBytes <= position) current = extents.next().value as Extent | undefined;
    return current;
  };
  return {
    /** The extent that holds `position`; undefined in a hole. */
    at(position: bigint): Extent | undefined {
      const extent = forward(position);
      return extent !== undefined && extent.startBytes <= position ? extent : undefined;
    },
    /** Where what `position` is in ends; undefined in the hole at the end. */
    nextEdge(position: bigint): bigint | undefined {
      const extent = forward(position);
      return extent !== undefined && extent.startBytes <= position ? extent.endBytes : extent?.startBytes;
    },
  };
}

function withFile<T>(place: Place, use: (fd: number) => T): T {
  const fd = openBeneath(place.dirFd, place.name, constants.O_RDONLY);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}
