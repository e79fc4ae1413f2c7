import type { BlockPage, BlockQuery } from '../volumes/model.ts';

/** berth.v1.SnapshotBlocksRequest and -Response as proto-loader gives and takes them. */
export type BlocksRequest = ReturnType<typeof encodeQuery>;
export type BlocksResponse = ReturnType<typeof encodePage>;

const END = '-1';

export const encodeQuery = ({ id, baseId = '', fromBytes, max }: BlockQuery) => ({
  snapshot_id: id,
  base_snapshot_id: baseId,
  from_bytes: String(fromBytes),
  max,
});

export const decodeQuery = ({ snapshot_id, base_snapshot_id, from_bytes, max }: BlocksRequest): BlockQuery => ({
  id: snapshot_id,
  baseId: base_snapshot_id || undefined,
  fromBytes: BigInt(from_bytes),
  max,
});

export const encodePage = ({ sizeBytes, blocks, nextBytes }: BlockPage) => ({
  size_bytes: String(sizeBytes),
  blocks: blocks.map(({ startBytes, endBytes }) => ({ start_bytes: String(startBytes), end_bytes: String(endBytes) })),
  next_bytes: nextBytes === undefined ? END : String(nextBytes),
});

export const decodePage = ({ size_bytes, blocks, next_bytes }: BlocksResponse): BlockPage => ({
  sizeBytes: BigInt(size_bytes),
  blocks: blocks.map(({ start_bytes, end_bytes }) => ({
    startBytes: BigInt(start_bytes),
    endBytes: BigInt(end_bytes),
  })),
  nextBytes: next_bytes === END ? undefined : BigInt(next_bytes),
});
