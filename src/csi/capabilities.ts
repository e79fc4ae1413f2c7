import { BerthError } from '../errors.ts';
import type { Access, AccessMode, Capability } from '../volumes/model.ts';
import { checkMountOptions } from './mount-options.ts';
import type { VolumeCapability } from './types.ts';
import { requireField, requireSome } from './validate.ts';

const MODES: Record<AccessMode, { readOnly: boolean }> = {
  SINGLE_NODE_WRITER: { readOnly: false },
  SINGLE_NODE_READER_ONLY: { readOnly: true },
  MULTI_NODE_READER_ONLY: { readOnly: true },
  MULTI_NODE_SINGLE_WRITER: { readOnly: false },
  MULTI_NODE_MULTI_WRITER: { readOnly: false },
  SINGLE_NODE_SINGLE_WRITER: { readOnly: false },
  SINGLE_NODE_MULTI_WRITER: { readOnly: false },
};

/** (gid_t)-1 means "leave it" to chown(2), so it is no group. */
const MAX_GID = 0xffff_fffe;

/** Checks a capability and gives it in Berth's words. `field` names it in errors. */
export function parseCapability(capability: VolumeCapability | null, field: string): Capability {
  const given = requireField(capability, field);
  return { access: parseAccess(given, field), mode: parseMode(given, field) };
}

/** Capabilities of one volume: it is a block device or a file system, not both, and of one type. */
export function parseCapabilities(capabilities: readonly VolumeCapability[]): Capability[] {
  const parsed = requireSome(capabilities, 'volume_capabilities').map((capability, index) =>
    parseCapability(capability, `volume_capabilities[${index}]`),
  );
  if (new Set(parsed.map(({ access }) => access.kind)).size > 1) {
    throw new BerthError('CAPABILITY_UNSUPPORTED', {
      problem: 'a volume is a block device or a file system, not both',
    });
  }
  const types = new Set(
    parsed.flatMap(({ access }) => (access.kind === 'mount' && access.fsType ? access.fsType : [])),
  );
  if (types.size > 1) {
    throw new BerthError('CAPABILITY_UNSUPPORTED', {
      problem: `one file system cannot be ${[...types].join(' and ')}`,
    });
  }
  return parsed;
}

/** Whether nobody may write, by the access mode or by the mount option `ro`. */
export function isReadOnly({ access, mode }: Capability): boolean {
  return MODES[mode].readOnly || (access.kind === 'mount' && access.mountOptions.includes('ro'));
}

function parseMode(capability: VolumeCapability, field: string): AccessMode {
  const mode = requireField(capability.access_mode, `${field}.access_mode`).mode;
  if (mode === 'UNKNOWN') throw new BerthError('FIELD_MISSING', { field: `${field}.access_mode.mode` });
  if (typeof mode === 'string' && Object.hasOwn(MODES, mode)) return mode as AccessMode;
  throw new BerthError('FIELD_INVALID', { field: `${field}.access_mode.mode`, problem: `${mode} is not known` });
}

function parseAccess(capability: VolumeCapability, field: string): Access {
  if (capability.access_type === 'block') return { kind: 'block' };
  const mount = requireField(capability.mount, `${field}.access_type`);
  const fsType = mount.fs_type;
  checkMountOptions(fsType, mount.mount_flags);
  return {
    kind: 'mount',
    fsType,
    mountOptions: withoutDefault(mount.mount_flags, `${field}.mount.mount_flags`),
    group: mount.volume_mount_group === '' ? undefined : parseGroup(mount.volume_mount_group, field),
  };
}

/** `rw` asks for what is so anyway. */
function withoutDefault(options: readonly string[], field: string): string[] {
  if (options.includes('ro') && options.includes('rw')) {
    throw new BerthError('FIELD_INVALID', { field, problem: 'has both ro and rw' });
  }
  return options.filter((option) => option !== 'rw');
}

function parseGroup(group: string, field: string): string {
  if (/^\d{1,10}$/.test(group) && Number(group) <= MAX_GID) return group;
  throw new BerthError('FIELD_INVALID', {
    field: `${field}.mount.volume_mount_group`,
    problem: 'must be a numeric group id',
  });
}
