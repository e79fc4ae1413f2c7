import { BerthError } from '../errors.ts';
import type { Call, Capability, ShareUse, Usage } from '../volumes/model.ts';
import { isReadOnly, parseCapability } from './capabilities.ts';
import type { Handler, Handlers } from './compose.ts';
import type { Context } from './context.ts';
import { storageHealth, volumeHealth } from './health.ts';
import { createInline, isInlineContext } from './inline.ts';
import { checkVolumeMountOptions, isMountFlagOption } from './mount-options.ts';
import { asRpcCapabilities, NODE_RPCS } from './offers.ts';
import { parseShare } from './share.ts';
import type {
  Empty,
  NodeExpandVolumeRequest,
  NodeGetInfoResponse,
  NodeGetVolumeStatsRequest,
  NodePublishVolumeRequest,
  NodeStageVolumeRequest,
  NodeUnpublishVolumeRequest,
  NodeUnstageVolumeRequest,
  VolumeRequest,
  VolumeUsage,
} from './types.ts';
import { parseSizeRange, requireField, requireLookupPath, requirePath } from './validate.ts';

/** CSI 1.13 Node. */
export function createNode({ service, nodeName, local, inlineDir }: Context): Handlers {
  const inline = createInline(service, inlineDir);
  /**
   * Most mounts have only flags, which every volume takes; only for others is the volume looked up first. A share has
   * options of its own.
   */
  const checkOptions = async (
    id: string,
    { access }: Capability,
    share: ShareUse | undefined,
    call: Call,
  ): Promise<void> => {
    if (share !== undefined || access.kind === 'block' || access.mountOptions.every(isMountFlagOption)) return;
    checkVolumeMountOptions(await service.getVolume(id, call), access.mountOptions);
  };

  const stage: Handler<NodeStageVolumeRequest, object> = async (request, call) => {
    const id = requireField(request.volume_id, 'volume_id');
    const stagingPath = requirePath(request.staging_target_path, 'staging_target_path');
    const capability = parseCapability(request.volume_capability, 'volume_capability');
    const share = parseShare(request.volume_context);
    await checkOptions(id, capability, share, call);
    await service.stageVolume({ id, stagingPath, capability, share }, call);
    return {};
  };

  const unstage: Handler<NodeUnstageVolumeRequest, object> = async (request, call) => {
    const id = requireField(request.volume_id, 'volume_id');
    const stagingPath = requirePath(request.staging_target_path, 'staging_target_path');
    await service.unstageVolume({ id, stagingPath }, call);
    return {};
  };

  const publish: Handler<NodePublishVolumeRequest, object> = async (request, call) => {
    const id = requireField(request.volume_id, 'volume_id');
    const targetPath = requirePath(request.target_path, 'target_path');
    const capability = parseCapability(request.volume_capability, 'volume_capability');
    if (isInlineContext(request.volume_context)) {
      const readOnly = request.readonly || isReadOnly(capability);
      await inline.publish({ handle: id, targetPath, capability, readOnly, context: request.volume_context }, call);
      return {};
    }
    // CSI 1.13 NodePublishVolume: this one missing field is a FAILED_PRECONDITION.
    if (request.staging_target_path === '') throw new BerthError('VOLUME_NOT_STAGED', { id, path: 'an unnamed path' });
    const stagingPath = requirePath(request.staging_target_path, 'staging_target_path');
    const readOnly = request.readonly || isReadOnly(capability);
    await checkOptions(id, capability, parseShare(request.volume_context), call);
    await service.publishVolume({ id, stagingPath, targetPath, capability, readOnly }, call);
    return {};
  };

  const unpublish: Handler<NodeUnpublishVolumeRequest, object> = async (request, call) => {
    const id = requireField(request.volume_id, 'volume_id');
    const targetPath = requirePath(request.target_path, 'target_path');
    if (!(await inline.unpublish(id, targetPath, call))) await service.unpublishVolume({ id, targetPath }, call);
    return {};
  };

  const getStats: Handler<NodeGetVolumeStatsRequest, object> = async (request, call) => {
    const id = await inline.idOf(requireField(request.volume_id, 'volume_id'), call);
    const path = requireLookupPath(request.volume_path, 'volume_path');
    const { bytes, inodes } = await service.volumeStats({ id, path }, call);
    return { usage: [toUsage(bytes, 'BYTES'), ...(inodes ? [toUsage(inodes, 'INODES')] : [])] };
  };

  const expand: Handler<NodeExpandVolumeRequest, object> = async (request, call) => {
    const id = requireField(request.volume_id, 'volume_id');
    const path = requireLookupPath(request.volume_path, 'volume_path');
    const size = parseSizeRange(request.capacity_range);
    if (request.volume_capability) parseCapability(request.volume_capability, 'volume_capability');
    const { sizeBytes } = await service.expandNode({ id, path, size }, call);
    return { capacity_bytes: String(sizeBytes) };
  };

  const getVolumeHealth: Handler<VolumeRequest, object> = async (request, call) => ({
    volume_health: await volumeHealth(
      service,
      await inline.idOf(requireField(request.volume_id, 'volume_id'), call),
      call,
    ),
  });

  const getStorageHealth: Handler<Empty, object> = async () => ({ backend_health: storageHealth(service) });

  const getCapabilities: Handler<Empty, object> = async () => asRpcCapabilities(NODE_RPCS);

  const getInfo: Handler<Empty, NodeGetInfoResponse> = async () => ({
    node_id: nodeName,
    max_volumes_per_node: '0',
    accessible_topology: local.topology,
  });

  return {
    NodeStageVolume: stage,
    NodeUnstageVolume: unstage,
    NodePublishVolume: publish,
    NodeUnpublishVolume: unpublish,
    NodeGetVolumeStats: getStats,
    NodeGetVolumeHealth: getVolumeHealth,
    NodeGetStorageHealth: getStorageHealth,
    NodeExpandVolume: expand,
    NodeGetCapabilities: getCapabilities,
    NodeGetInfo: getInfo,
  };
}

function toUsage(usage: Usage['bytes'], unit: VolumeUsage['unit']): VolumeUsage {
  return { unit, total: String(usage.total), used: String(usage.used), available: String(usage.available) };
}
