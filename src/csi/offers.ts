/**
 * What Berth says that it can do, by the names of CSI 1.13. A name is here only when the whole node can do it; what a
 * single pool cannot do is refused call by call.
 */
export const PLUGIN_SERVICES = [
  'CONTROLLER_SERVICE',
  'VOLUME_ACCESSIBILITY_CONSTRAINTS',
  'GROUP_CONTROLLER_SERVICE',
  'SNAPSHOT_METADATA_SERVICE',
] as const;

/** CSI 1.13 VolumeExpansion: ONLINE means that published volumes can grow, and all others as well. */
export const EXPANSIONS = ['ONLINE'] as const;

export const CONTROLLER_RPCS = [
  'CREATE_DELETE_VOLUME',
  'LIST_VOLUMES',
  'GET_CAPACITY',
  'CREATE_DELETE_SNAPSHOT',
  'LIST_SNAPSHOTS',
  'CLONE_VOLUME',
  'EXPAND_VOLUME',
  'MODIFY_VOLUME',
  'GET_VOLUME',
  // Without it on both services the kubelet sends SINGLE_NODE_WRITER, which allows one target path only.
  'SINGLE_NODE_MULTI_WRITER',
  'GET_SNAPSHOT',
  'GET_VOLUME_HEALTH',
  'LIST_VOLUME_HEALTH',
] as const;

export const GROUP_RPCS = ['CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT'] as const;

export const NODE_RPCS = [
  'STAGE_UNSTAGE_VOLUME',
  'GET_VOLUME_STATS',
  'EXPAND_VOLUME',
  'SINGLE_NODE_MULTI_WRITER',
  // The driver gives the group its rights, and the kubelet leaves out its own walk over all files.
  'VOLUME_MOUNT_GROUP',
  'GET_VOLUME_HEALTH',
  'GET_STORAGE_HEALTH',
] as const;

/** The form in which the capability RPCs of Controller, GroupController and Node answer. */
export const asRpcCapabilities = (names: readonly string[]) => ({
  capabilities: names.map((type) => ({ rpc: { type } })),
});
