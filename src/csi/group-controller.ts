import { BerthError } from '../errors.ts';
import { toGroup } from './answers.ts';
import type { Handler, Handlers } from './compose.ts';
import type { Context } from './context.ts';
import { asRpcCapabilities, GROUP_RPCS } from './offers.ts';
import { refuseParameters } from './parameters.ts';
import type { CreateVolumeGroupSnapshotRequest, Empty, VolumeGroupSnapshotRequest } from './types.ts';
import { requireField, requireName, requireSome } from './validate.ts';

/** CSI 1.13 GroupController. */
export function createGroupController({ service }: Context): Handlers {
  const getCapabilities: Handler<Empty, object> = async () => asRpcCapabilities(GROUP_RPCS);

  const createGroup: Handler<CreateVolumeGroupSnapshotRequest, object> = async (request, call) => {
    const name = requireName(request.name);
    const sourceVolumeIds = parseSources(request.source_volume_ids);
    refuseParameters(request.parameters);
    return { group_snapshot: toGroup(await service.createGroupSnapshot({ name, sourceVolumeIds }, call)) };
  };

  const deleteGroup: Handler<VolumeGroupSnapshotRequest, object> = async (request, call) => {
    const id = requireField(request.group_snapshot_id, 'group_snapshot_id');
    await service.deleteGroupSnapshot(id, request.snapshot_ids, call);
    return {};
  };

  const getGroup: Handler<VolumeGroupSnapshotRequest, object> = async (request, call) => {
    const id = requireField(request.group_snapshot_id, 'group_snapshot_id');
    return { group_snapshot: toGroup(await service.getGroupSnapshot(id, request.snapshot_ids, call)) };
  };

  return {
    GroupControllerGetCapabilities: getCapabilities,
    CreateVolumeGroupSnapshot: createGroup,
    DeleteVolumeGroupSnapshot: deleteGroup,
    GetVolumeGroupSnapshot: getGroup,
  };
}

function parseSources(ids: readonly string[]): string[] {
  const field = 'source_volume_ids';
  const sources = requireSome(ids, field).map((id, index) => requireField(id, `${field}[${index}]`));
  if (new Set(sources).size < sources.length) {
    throw new BerthError('FIELD_INVALID', { field, problem: 'names a volume twice' });
  }
  return sources;
}
