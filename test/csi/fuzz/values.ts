import fc from 'fast-check';

/** What sane messages are made of. */
export interface Known {
  volumes: readonly string[];
  snapshots: readonly string[];
  groups: readonly string[];
  nodeName: string;
  /** The one folder in which generated paths may exist. */
  workDir: string;
}

export const hostileStrings = fc.oneof(
  fc.constantFrom(
    '',
    '\0',
    'a\0b',
    '..',
    '../../etc/passwd',
    '/',
    'a/b',
    '__proto__',
    '%s%n',
    '\u202e',
    '🚢'.repeat(33),
  ),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'binary', minLength: 4000, maxLength: 6000 }),
);
export const hostileKeys = fc.oneof(
  fc.constantFrom('thin', 'poolClass', 'berth.dev/x', 'csi.storage.k8s.io/fstype', 'constructor', '__proto__', ''),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
export const hostileInt32 = fc.constantFrom(-1, 2 ** 31 - 1, -(2 ** 31));
export const hostileInt64 = fc.constantFrom('-1', '1', '9223372036854775807', '-9223372036854775808');

export const saneNumbers = (name: string): readonly string[] =>
  name === 'limit_bytes' ? ['0'] : ['0', '67108864', '67112960', '134217728'];

/** Sane values of a field, by its name; those of a map are JSON. */
export function sane(name: string, known: Known): readonly string[] {
  const { workDir } = known;
  const table: Record<string, readonly string[]> = {
    name: ['one', 'two', 'a name/with ../ slashes', 'ünïcode 🚢'],
    volume_id: known.volumes,
    source_volume_id: known.volumes,
    source_volume_ids: known.volumes,
    snapshot_id: known.snapshots,
    snapshot_ids: known.snapshots,
    base_snapshot_id: known.snapshots,
    target_snapshot_id: known.snapshots,
    group_snapshot_id: known.groups,
    node_id: [known.nodeName],
    starting_token: [''],
    staging_target_path: [`${workDir}/staging`, `${workDir}//staging/`],
    target_path: [`${workDir}/target`, `${workDir}/other`],
    volume_path: [`${workDir}/target`, `${workDir}/staging`, 'some/path'],
    volume_publish_path: [`${workDir}/target`, ''],
    fs_type: ['', 'ext4', 'xfs', 'btrfs'],
    mount_flags: ['ro', 'noatime', 'commit=5', 'context="a:b:c:d"'],
    volume_mount_group: ['', '1000'],
    parameters: ['{}', '{"csi.storage.k8s.io/pvc/name":"x"}', '{"thin":"true"}'],
    mutable_parameters: ['{}'],
    secrets: ['{}', '{"key":"value"}'],
    volume_context: ['{}', '{"storage.kubernetes.io/csiProvisionerIdentity":"x"}'],
    publish_context: ['{}'],
    segments: ['{}', JSON.stringify({ 'topology.berth.dev/node': known.nodeName })],
  };
  const values = table[name];
  if (values === undefined) throw new Error(`no sane values for ${name}`);
  return values;
}
