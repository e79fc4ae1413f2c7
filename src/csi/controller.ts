import { BerthError } from '../errors.ts';
import type { ContentSource } from '../volumes/model.ts';
import { toVolume } from './answers.ts';
import { parseCapabilities, parseCapability } from './capabilities.ts';
import { getCapacity } from './capacity.ts';
import type { Handler, Handlers } from './compose.ts';
import type { Context } from './context.ts';
import { unhealthyVolumes, volumeHealth } from './health.ts';
import { refuseInlineName } from './inline.ts';
import { asRpcCapabilities, CONTROLLER_RPCS } from './offers.ts';
import { parseMutableParameters, parseParameters } from './parameters.ts';
import { createSnapshots } from './snapshots.ts';
import type {
  ControllerExpandVolumeRequest,
  ControllerModifyVolumeRequest,
  CreateVolumeRequest,
  Empty,
  PageRequest,
  VolumeContentSource,
  VolumeRequest,
} from './types.ts';
import { parsePage, parseSizeRange, requireField, requireName, requireSizeRange } from './validate.ts';
import { validateVolumeCapabilities } from './validate-capabilities.ts';

/** CSI 1.13 Controller. Field checks come before anything is looked up. */
export function createController(context: Context): Handlers {
  const { service, local } = context;

  const createVolume: Handler<CreateVolumeRequest, object> = async (request, call) => {
    const name = requireName(request.name);
    refuseInlineName(name);
    const capabilities = parseCapabilities(request.volume_capabilities);
    const size = parseSizeRange(request.capacity_range);
    const parameters = parseParameters(request.parameters);
    const ioLimits = parseMutableParameters(request.mutable_parameters);
    const source = parseSource(request.volume_content_source);
    local.check(request.accessibility_requirements, 'accessibility_requirements');
    const volume = await service.createVolume({ name, capabilities, size, parameters, ioLimits, source }, call);
    return { volume: toVolume(volume, local.topology, request.accessibility_requirements) };
  };

  const deleteVolume: Handler<VolumeRequest, object> = async (request, call) => {
    await service.deleteVolume(requireField(request.volume_id, 'volume_id'), call);
    return {};
  };

  const getVolume: Handler<VolumeRequest, object> = async (request, call) => {
    const volume = await service.getVolume(requireField(request.volume_id, 'volume_id'), call);
    return { volume: toVolume(volume, local.topology), status: { published_node_ids: [] } };
  };

  const listVolumes: Handler<PageRequest, object> = async (request, call) => {
    const { items, next } = await service.listVolumes(parsePage(request), call);
    return { entries: items.map((volume) => ({ volume: toVolume(volume, local.topology) })), next_token: next ?? '' };
  };

  const expandVolume: Handler<ControllerExpandVolumeRequest, object> = async (request, call) => {
    const id = requireField(request.volume_id, 'volume_id');
    const size = requireSizeRange(request.capacity_range);
    const capability = request.volume_capability
      ? parseCapability(request.volume_capability, 'volume_capability')
      : undefined;
    const expanded = await service.expandVolume({ id, size, capability }, call);
    return { capacity_bytes: String(expanded.sizeBytes), node_expansion_required: expanded.nodeExpansion };
  };

  const modifyVolume: Handler<ControllerModifyVolumeRequest, object> = async (request, call) => {
    const id = requireField(request.volume_id, 'volume_id');
    await service.modifyVolume({ id, ioLimits: parseMutableParameters(request.mutable_parameters) }, call);
    return {};
  };

  const getVolumeHealth: Handler<VolumeRequest, object> = async (request, call) => ({
    volume_health: await volumeHealth(service, requireField(request.volume_id, 'volume_id'), call),
  });

  const listVolumeHealth: Handler<PageRequest, object> = async (request, call) => {
    const { items, next } = await service.listVolumes(parsePage(request), call);
    return { entries: await unhealthyVolumes(service, items, call), next_token: next ?? '' };
  };

  const getCapabilities: Handler<Empty, object> = async () => asRpcCapabilities(CONTROLLER_RPCS);

  return {
    CreateVolume: createVolume,
    DeleteVolume: deleteVolume,
    ControllerPublishVolume: unsupported,
    ControllerUnpublishVolume: unsupported,
    ValidateVolumeCapabilities: validateVolumeCapabilities(context),
    ListVolumes: listVolumes,
    ControllerListVolumeHealth: listVolumeHealth,
    ControllerGetVolumeHealth: getVolumeHealth,
    GetCapacity: getCapacity(context),
    ControllerGetCapabilities: getCapabilities,
    ControllerExpandVolume: expandVolume,
    ControllerGetVolume: getVolume,
    ControllerModifyVolume: modifyVolume,
    ...createSnapshots(context),
  };
}

/** Berth attaches nothing. */
const unsupported: Handler<never, object> = async (_request, call) => {
  throw new BerthError('METHOD_UNSUPPORTED', { method: call.method });
};

function parseSource(source: VolumeContentSource | null): ContentSource | undefined {
  if (source === null) return undefined;
  const { snapshot, volume } = source;
  if (snapshot) {
    return { kind: 'snapshot', id: requireField(snapshot.snapshot_id, 'volume_content_source.snapshot.snapshot_id') };
  }
  if (volume) return { kind: 'volume', id: requireField(volume.volume_id, 'volume_content_source.volume.volume_id') };
  throw new BerthError('FIELD_MISSING', { field: 'volume_content_source.type' });
}
