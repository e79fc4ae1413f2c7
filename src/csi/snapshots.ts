import { toSnapshot } from './answers.ts';
import type { Handler, Handlers } from './compose.ts';
import type { Context } from './context.ts';
import { refuseParameters } from './parameters.ts';
import type { CreateSnapshotRequest, ListSnapshotsRequest, SnapshotRequest } from './types.ts';
import { parsePage, requireField, requireName } from './validate.ts';

/** The snapshot RPCs of CSI 1.13 Controller. */
export function createSnapshots({ service, local }: Context): Handlers {
  const createSnapshot: Handler<CreateSnapshotRequest, object> = async (request, call) => {
    const name = requireName(request.name);
    const sourceVolumeId = requireField(request.source_volume_id, 'source_volume_id');
    refuseParameters(request.parameters);
    local.check(request.accessibility_requirements, 'accessibility_requirements');
    return { snapshot: toSnapshot(await service.createSnapshot({ name, sourceVolumeId }, call)) };
  };

  const deleteSnapshot: Handler<SnapshotRequest, object> = async (request, call) => {
    await service.deleteSnapshot(requireField(request.snapshot_id, 'snapshot_id'), call);
    return {};
  };

  const getSnapshot: Handler<SnapshotRequest, object> = async (request, call) => ({
    snapshot: toSnapshot(await service.getSnapshot(requireField(request.snapshot_id, 'snapshot_id'), call)),
  });

  const listSnapshots: Handler<ListSnapshotsRequest, object> = async (request, call) => {
    const filter = {
      ...parsePage(request),
      id: request.snapshot_id || undefined,
      sourceVolumeId: request.source_volume_id || undefined,
    };
    const { items, next } = await service.listSnapshots(filter, call);
    return { entries: items.map((snapshot) => ({ snapshot: toSnapshot(snapshot) })), next_token: next ?? '' };
  };

  return {
    CreateSnapshot: createSnapshot,
    DeleteSnapshot: deleteSnapshot,
    GetSnapshot: getSnapshot,
    ListSnapshots: listSnapshots,
  };
}
