import { BerthError } from '../errors.ts';
import type { Capability } from '../volumes/model.ts';
import { parseCapabilities } from './capabilities.ts';
import type { Handler } from './compose.ts';
import type { Context } from './context.ts';
import { fsTypeOf, parseParameters } from './parameters.ts';
import type { GetCapacityRequest, GetCapacityResponse } from './types.ts';

const NONE: GetCapacityResponse = { available_capacity: '0', maximum_volume_size: { value: '0' } };

/** Why this node has no room for such a volume, whatever is free: an answer here, not an error. */
const NO_CAPACITY = new Set(['POOL_CLASS_UNKNOWN', 'CAPABILITY_UNSUPPORTED']);

/** CSI 1.13 GetCapacity: what is left on this node for volumes like this. Elsewhere there is nothing. */
export function getCapacity({ service, local }: Context): Handler<GetCapacityRequest, GetCapacityResponse> {
  return async (request, call) => {
    const parameters = parseParameters(request.parameters);
    if (!local.isIn(request.accessible_topology)) return NONE;
    try {
      const capacity = await service.capacity({ parameters, capabilities: capabilitiesOf(request) }, call);
      return {
        available_capacity: String(capacity.availableBytes),
        maximum_volume_size: { value: String(capacity.maximumVolumeBytes) },
        ...(capacity.minimumVolumeBytes === undefined
          ? {}
          : { minimum_volume_size: { value: String(capacity.minimumVolumeBytes) } }),
      };
    } catch (error) {
      if (error instanceof BerthError && NO_CAPACITY.has(error.code)) return NONE;
      throw error;
    }
  };
}

/** The external-provisioner sends no capabilities here, but the StorageClass as it is, with its file system in it. */
function capabilitiesOf(request: GetCapacityRequest): Capability[] {
  if (request.volume_capabilities.length > 0) return parseCapabilities(request.volume_capabilities);
  const fsType = fsTypeOf(request.parameters);
  if (fsType === '') return [];
  return [{ access: { kind: 'mount', fsType, mountOptions: [] }, mode: 'SINGLE_NODE_WRITER' }];
}
