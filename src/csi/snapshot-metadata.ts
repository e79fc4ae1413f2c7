import { BerthError } from '../errors.ts';
import type { BlockPage, BlockQuery } from '../volumes/model.ts';
import type { CsiCall, Handler, Handlers } from './compose.ts';
import type { GetMetadataAllocatedRequest, GetMetadataDeltaRequest } from './types.ts';
import { requireField } from './validate.ts';

/** More than this in one message helps nobody. */
const MAX_RESULTS = 4_096;

/** Gives a page of blocks, from the node that has the snapshot. */
export type ReadBlocks = (query: BlockQuery, call: CsiCall) => Promise<BlockPage>;

/**
 * CSI 1.13 SnapshotMetadata: streams made of pages, so that nobody keeps anything between two messages, and a stream
 * that broke is gone on with at `starting_offset`.
 */
export function createSnapshotMetadata(read: ReadBlocks): Handlers {
  const stream = async (first: BlockQuery, call: CsiCall): Promise<object> => {
    let fromBytes: bigint | undefined = first.fromBytes;
    let isFirst = true;
    while (fromBytes !== undefined) {
      const page: BlockPage = await read({ ...first, fromBytes }, call);
      fromBytes = page.nextBytes;
      // Nobody learns anything from an empty message, but the first tells the size.
      if (page.blocks.length > 0 || isFirst) await call.send!(toMessage(page));
      isFirst = false;
    }
    return {};
  };

  const getAllocated: Handler<GetMetadataAllocatedRequest, object> = (request, call) => {
    const id = requireField(request.snapshot_id, 'snapshot_id');
    return stream({ id, ...parseRange(request) }, call);
  };

  const getDelta: Handler<GetMetadataDeltaRequest, object> = (request, call) => {
    const baseId = requireField(request.base_snapshot_id, 'base_snapshot_id');
    const id = requireField(request.target_snapshot_id, 'target_snapshot_id');
    return stream({ id, baseId, ...parseRange(request) }, call);
  };

  return { GetMetadataAllocated: getAllocated, GetMetadataDelta: getDelta };
}

function parseRange(request: Pick<GetMetadataAllocatedRequest, 'starting_offset' | 'max_results'>) {
  const fromBytes = BigInt(request.starting_offset);
  const negative = (field: string, value: bigint | number) =>
    new BerthError('FIELD_INVALID', { field, problem: `${value} is negative` });
  if (fromBytes < 0n) throw negative('starting_offset', fromBytes);
  if (request.max_results < 0) throw negative('max_results', request.max_results);
  return { fromBytes, max: Math.min(request.max_results || MAX_RESULTS, MAX_RESULTS) };
}

const toMessage = ({ sizeBytes, blocks }: BlockPage) => ({
  block_metadata_type: 'VARIABLE_LENGTH',
  volume_capacity_bytes: String(sizeBytes),
  block_metadata: blocks.map(({ startBytes, endBytes }) => ({
    byte_offset: String(startBytes),
    size_bytes: String(endBytes - startBytes),
  })),
});
