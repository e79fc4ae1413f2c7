import { isDeepStrictEqual } from 'node:util';
import { BerthError } from '../errors.ts';
import type { Capability, Volume, VolumeParameters } from '../volumes/model.ts';
import { parseCapabilities } from './capabilities.ts';
import type { Handler } from './compose.ts';
import type { Context } from './context.ts';
import { clip } from './limits.ts';
import { checkVolumeMountOptions } from './mount-options.ts';
import { parseMutableParameters, parseParameters } from './parameters.ts';
import type { ValidateVolumeCapabilitiesRequest, ValidateVolumeCapabilitiesResponse } from './types.ts';
import { requireField, requireSome } from './validate.ts';

/** What is well formed but not to be had; a malformed request is refused instead. */
const NOT_CONFIRMED = new Set([
  'CAPABILITY_UNSUPPORTED',
  'MOUNT_OPTION_REFUSED',
  'PARAMETER_UNKNOWN',
  'PARAMETER_INVALID',
]);

/** CSI 1.13 ValidateVolumeCapabilities: all of what is asked is confirmed, or nothing, with the reason. */
export function validateVolumeCapabilities({
  service,
}: Context): Handler<ValidateVolumeCapabilitiesRequest, ValidateVolumeCapabilitiesResponse> {
  return async (request, call) => {
    const id = requireField(request.volume_id, 'volume_id');
    requireSome(request.volume_capabilities, 'volume_capabilities');
    const wanted = parse(request);
    const volume = await service.getVolume(id, call);
    const problem =
      'problem' in wanted
        ? wanted.problem
        : (service.checkCapabilities(volume, wanted.capabilities) ??
          optionsProblem(volume, wanted.capabilities) ??
          parametersProblem(volume, request, wanted.parameters));
    if (problem !== undefined) return { message: clip(problem) };
    const { volume_context, volume_capabilities, parameters, mutable_parameters } = request;
    return { confirmed: { volume_context, volume_capabilities, parameters, mutable_parameters } };
  };
}

function parse(
  request: ValidateVolumeCapabilitiesRequest,
): { capabilities: Capability[]; parameters: VolumeParameters } | { problem: string } {
  let parsed: { capabilities: Capability[]; parameters: VolumeParameters } | undefined;
  const problem = problemOf(() => {
    parseMutableParameters(request.mutable_parameters);
    const parameters = parseParameters(request.parameters);
    parsed = { capabilities: parseCapabilities(request.volume_capabilities), parameters };
  });
  return parsed ?? { problem: problem! };
}

function optionsProblem(volume: Volume, capabilities: readonly Capability[]): string | undefined {
  return problemOf(() => {
    for (const { access } of capabilities) {
      if (access.kind === 'mount') checkVolumeMountOptions(volume, access.mountOptions);
    }
  });
}

/** Parameters are optional; those that are given must be what the volume was made with. */
function parametersProblem(
  volume: Volume,
  request: ValidateVolumeCapabilitiesRequest,
  parameters: VolumeParameters,
): string | undefined {
  const actual = { ...volume.parameters, poolClass: volume.poolClass };
  const different = (['poolClass', 'thin', 'nodatacow'] as const).filter(
    (key) => Object.hasOwn(request.parameters, key) && parameters[key] !== actual[key],
  );
  const given = request.mutable_parameters;
  if (Object.keys(given).length > 0 && !isDeepStrictEqual(parseMutableParameters(given), volume.ioLimits)) {
    return 'the volume has other I/O limits';
  }
  return different.length === 0 ? undefined : `the volume has another ${different.join(' and ')}`;
}

function problemOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof BerthError && NOT_CONFIRMED.has(error.code)) return error.message;
    throw error;
  }
}
