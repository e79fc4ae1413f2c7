/**
 * The one catalogue of errors. A code is stable and never reused for something else; operators search for it, scripts
 * match it. `status` is the gRPC status that the csi and admin rooms answer with. A template's `{fields}` are filled
 * from the error's details. `remedy` says what to do. docs/errors.md is made from this file.
 */
export type StatusName =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DATA_LOSS';

interface Entry {
  status: StatusName;
  template: string;
  remedy: string;
}

export const catalogue = {
  // Requests
  FIELD_MISSING: {
    status: 'INVALID_ARGUMENT',
    template: '{field} is missing',
    remedy: 'Set the field; the CSI specification requires it.',
  },
  FIELD_INVALID: {
    status: 'INVALID_ARGUMENT',
    template: '{field}: {problem}',
    remedy: 'Correct the field as the message says.',
  },
  PARAMETER_UNKNOWN: {
    status: 'INVALID_ARGUMENT',
    template: 'parameter {key} is not known; known are {known}',
    remedy: 'Remove or correct the key in the StorageClass.',
  },
  PARAMETER_INVALID: {
    status: 'INVALID_ARGUMENT',
    template: 'parameter {key}: {problem}',
    remedy: 'Correct the value in the StorageClass.',
  },
  IO_LIMITS_UNSUPPORTED: {
    status: 'INVALID_ARGUMENT',
    template: 'I/O limits cannot be had in pool {pool}: {problem}',
    remedy: 'Use a VolumeAttributesClass with I/O limits for volumes of `image` pools on nodes with cgroup v2 only.',
  },
  CAPABILITY_UNSUPPORTED: {
    status: 'INVALID_ARGUMENT',
    template: 'volume capability: {problem}',
    remedy: 'Choose an access mode, volume mode and file system that the pool offers; `berth pool list` shows them.',
  },
  CAPABILITY_EXCEEDED: {
    status: 'FAILED_PRECONDITION',
    template: 'volume {id} does not offer this: {problem}',
    remedy: 'Use the access mode, volume mode and file system that the volume was created with.',
  },
  MOUNT_OPTION_REFUSED: {
    status: 'INVALID_ARGUMENT',
    template: 'mount option {option} is not allowed for {fsType}; allowed are {allowed}',
    remedy: 'Remove the option from the StorageClass or PersistentVolume.',
  },
  PAGE_TOKEN_INVALID: {
    status: 'ABORTED',
    template: 'the page token is not one that Berth gave out',
    remedy: 'Start the listing again without a token.',
  },
  METHOD_UNSUPPORTED: {
    status: 'UNIMPLEMENTED',
    template: '{method} is not offered by a driver for local volumes',
    remedy: 'Read the capabilities that Berth reports before calling.',
  },
  OPERATION_PENDING: {
    status: 'ABORTED',
    template: '{subject} is being worked on by another call ({operation})',
    remedy: 'Nothing: the caller tries again by itself. `berth job list` shows long work.',
  },

  CALL_DEADLINE: {
    status: 'UNAVAILABLE',
    template: '{method} was not done by its deadline; what it began goes on',
    remedy: 'Nothing at first: the caller tries again. If it stays, look at `berth job list` and `berth pool list`.',
  },
  TOPOLOGY_ELSEWHERE: {
    status: 'RESOURCE_EXHAUSTED',
    template: 'node {node} is in none of the required topologies',
    remedy: 'Ask a node that is. Correct allowedTopologies in the StorageClass if no node is.',
  },

  // Volumes and snapshots
  VOLUME_NOT_FOUND: {
    status: 'NOT_FOUND',
    template: 'volume {id} does not exist',
    remedy: 'Check the id with `berth volume list`.',
  },
  SNAPSHOT_NOT_FOUND: {
    status: 'NOT_FOUND',
    template: 'snapshot {id} does not exist',
    remedy: 'Check the id with `berth volume list --snapshots`.',
  },
  GROUP_SNAPSHOT_NOT_FOUND: {
    status: 'NOT_FOUND',
    template: 'group snapshot {id} does not exist',
    remedy: 'Check the id with `berth volume list --snapshots`.',
  },
  VOLUME_EXISTS: {
    status: 'ALREADY_EXISTS',
    template: 'a volume named {name} exists with another {difference}',
    remedy: 'Use another name, or ask for what exists.',
  },
  SNAPSHOT_EXISTS: {
    status: 'ALREADY_EXISTS',
    template: 'a snapshot named {name} exists of another source',
    remedy: 'Use another name.',
  },
  VOLUME_IN_USE: {
    status: 'FAILED_PRECONDITION',
    template: 'volume {id} is in use: {users}',
    remedy: 'Stop what uses it; the caller tries again by itself.',
  },
  SNAPSHOT_IN_GROUP: {
    status: 'INVALID_ARGUMENT',
    template: 'snapshot {id} belongs to group snapshot {group}',
    remedy: 'Delete the group snapshot as a whole.',
  },
  NFS_CLIENT_MISSING: {
    status: 'FAILED_PRECONDITION',
    template: 'the kernel of this node has no NFS client (module nfsv4), which volume {id} on {address} needs',
    remedy:
      'Load the module (`modprobe nfsv4`) or use a kernel that has it; or bind the pods to the volume’s node, which needs none.',
  },
  SHARE_TAKEN: {
    status: 'UNAVAILABLE',
    template:
      'volume {id} is used directly by pods of its own node, {address}; other nodes must wait until these have ended',
    remedy:
      'Delete those pods: with the next ones all nodes use NFS. A claim that is made while the cluster has several nodes is used by NFS from the start.',
  },
  SHARE_IN_GRACE: {
    status: 'UNAVAILABLE',
    template: 'volume {id}: clients of before the restart may still come back',
    remedy: 'Nothing: the caller tries again by itself, within a minute.',
  },
  SHARE_UNREACHABLE: {
    status: 'UNAVAILABLE',
    template: 'volume {id} is served by {address}, which cannot be mounted: {problem}',
    remedy: 'See whether the daemon of that node runs, and whether nfs.allow and firewalls let this node in.',
  },
  VOLUME_NOT_STAGED: {
    status: 'FAILED_PRECONDITION',
    template: 'volume {id} is not staged at {path}',
    remedy: 'Call NodeStageVolume first.',
  },
  VOLUME_PATH_UNKNOWN: {
    status: 'NOT_FOUND',
    template: 'volume {id} is not mounted at {path}',
    remedy: 'Use the staging or target path that the volume was published at.',
  },
  PUBLISH_CONFLICT: {
    status: 'ALREADY_EXISTS',
    template: 'volume {id} is at {path} with other options',
    remedy: 'Unpublish it there first.',
  },
  BLOCK_SHARED_OTHERWISE: {
    status: 'FAILED_PRECONDITION',
    template: 'raw block volume {id} is published {how} at {path}',
    remedy:
      'On one node a raw block device is read-only for all pods or for none: publish it alike, or unpublish it there first.',
  },
  SINGLE_WRITER_TAKEN: {
    status: 'FAILED_PRECONDITION',
    template: 'volume {id} allows one user and is published at {path}',
    remedy: 'Wait for the other pod to end, or use ReadWriteOnce instead of ReadWriteOncePod.',
  },
  TARGET_NOT_USABLE: {
    status: 'FAILED_PRECONDITION',
    template: '{path}: {problem}',
    remedy: 'See what is at the path; Berth does not remove what it did not put there.',
  },
  SIZE_TOO_SMALL: {
    status: 'OUT_OF_RANGE',
    template: 'a volume of {requested} bytes is too small: {problem}',
    remedy: 'Ask for more.',
  },
  SIZE_RANGE_EMPTY: {
    status: 'OUT_OF_RANGE',
    template:
      'no size between {required} and {limit} bytes (0: not set) in steps of {granularity} is possible: {problem}',
    remedy: 'Widen the range.',
  },
  EXPAND_NO_ROOM: {
    status: 'OUT_OF_RANGE',
    template: 'pool {pool} has {free} bytes left, expanding takes {needed}',
    remedy: 'Free space in the pool or ask for less.',
  },
  CONTENT_INCOMPATIBLE: {
    status: 'INVALID_ARGUMENT',
    template: 'the content source does not fit: {problem}',
    remedy: 'Restore with the same volume mode and file system, to the same pool class.',
  },
  SOURCE_ELSEWHERE: {
    status: 'RESOURCE_EXHAUSTED',
    template: 'the content source {id} is in no pool of this node',
    remedy: 'Nothing: the caller looks for another node. If it finds none, the node that has the source is away.',
  },
  SNAPSHOTS_UNRELATED: {
    status: 'INVALID_ARGUMENT',
    template: 'snapshots {base} and {id} are not of one volume',
    remedy: 'Compare snapshots of the same volume.',
  },
  OFFSET_OUT_OF_RANGE: {
    status: 'OUT_OF_RANGE',
    template: 'offset {offset} is beyond snapshot {id}, which has {size} bytes',
    remedy: 'Begin within the snapshot.',
  },
  SNAPSHOT_BLOCKS_UNSUPPORTED: {
    status: 'FAILED_PRECONDITION',
    template: 'the blocks of snapshot {id} cannot be told: {problem}',
    remedy: 'Back the whole snapshot up; for changed blocks use an `image` pool on xfs or btrfs.',
  },
  SNAPSHOT_UNSUPPORTED: {
    status: 'FAILED_PRECONDITION',
    template: 'volume {id} cannot be snapshotted: {problem}',
    remedy: 'See docs/limits.md for what each backend offers.',
  },
  GROUP_NOT_CONSISTENT: {
    status: 'FAILED_PRECONDITION',
    template: 'the volumes cannot be snapshotted at one moment: {problem}',
    remedy: 'Keep the volumes of a group in one pool, or stop their users.',
  },
  TOKEN_MISMATCH: {
    status: 'FAILED_PRECONDITION',
    template: 'volume {id}: the disk holds {found}, the ledger says {expected}; nothing was touched',
    remedy: 'Somebody changed the pool behind Berth. Look at it before doing anything else.',
  },
  VOLUME_DAMAGED: {
    status: 'DATA_LOSS',
    template: 'volume {id}: {problem}',
    remedy: 'Restore from a backup or a snapshot; Berth does not repair or format it by itself.',
  },

  // Pools
  POOL_NO_ROOM: {
    status: 'RESOURCE_EXHAUSTED',
    template: 'no pool of class {class} has {needed} bytes free; the largest has {free}',
    remedy: 'Free space, add a pool, or let the scheduler choose another node.',
  },
  POOL_CLASS_REQUIRED: {
    status: 'INVALID_ARGUMENT',
    template: 'parameter poolClass is required, since this node has several: {classes}',
    remedy: 'Name the class in the StorageClass.',
  },
  POOL_CLASS_UNKNOWN: {
    status: 'RESOURCE_EXHAUSTED',
    template: 'this node has no pool of class {class}; it has {classes}',
    remedy: 'Correct poolClass in the StorageClass, or add such a pool to the node.',
  },
  POOL_UNAVAILABLE: {
    status: 'UNAVAILABLE',
    template: 'pool {pool} is {state}: {reason}',
    remedy: 'See `berth pool list`; the pool recovers by itself when its disk answers.',
  },
  POOL_DEADLINE: {
    status: 'UNAVAILABLE',
    template: 'pool {pool} did not answer in time ({operation})',
    remedy: 'Nothing at first: the caller tries again. If it stays, look at the disk (`berth pool list`, kernel log).',
  },
  POOL_DISK_FAILED: {
    status: 'UNAVAILABLE',
    template: 'the disk of pool {pool} fails: {problem}',
    remedy: 'Look at the kernel log and the disk. The pool opens again by itself when its disk answers without errors.',
  },
  POOL_HELD: {
    status: 'UNAVAILABLE',
    template: 'the file system of pool {pool} gave up after errors and is still in use: {users}',
    remedy: 'End the pods that use its volumes, or restart the node; the pool then opens by itself.',
  },
  POOL_UNKNOWN: {
    status: 'NOT_FOUND',
    template: 'pool {pool} is not known on this node',
    remedy: 'Check the name with `berth pool list`.',
  },
  POOL_FOREIGN: {
    status: 'FAILED_PRECONDITION',
    template: 'pool {pool} belongs to node {owner}',
    remedy: 'If that node is gone for good, take the pool over with `berth pool import`.',
  },
  POOL_DUPLICATE: {
    status: 'FAILED_PRECONDITION',
    template: 'pool id {pool} is on more than one disk: {disks}',
    remedy: 'Remove the copy; Berth opens neither.',
  },
  POOL_UNSUITABLE: {
    status: 'FAILED_PRECONDITION',
    template: 'pool {pool}: {problem}',
    remedy: 'Correct the pool in the config, or the disk, and start again.',
  },
  POOL_OPEN: {
    status: 'FAILED_PRECONDITION',
    template: 'pool {pool} is open',
    remedy: 'Forget a pool only when its disk or folder is no longer there, or holds something else now.',
  },
  POOL_BUSY: {
    status: 'UNAVAILABLE',
    template: 'pool {pool} has {waiting} calls waiting',
    remedy: 'Nothing: the caller tries again by itself.',
  },
  // The fleet: nodes and the controller
  NODE_AWAY: {
    status: 'UNAVAILABLE',
    template: 'no connected node {problem}',
    remedy: 'Nothing at first: the caller tries again. If it stays, look at the daemon of the node that is missing.',
  },
  NODE_LINK_LOST: {
    status: 'ABORTED',
    template: 'the link to node {node} broke while it was at {method}',
    remedy: 'Nothing: the caller tries again, and the node finds what it had begun.',
  },
  NODE_UNCERTAIN: {
    status: 'UNAVAILABLE',
    template: 'volume {name} may be on node {node} already, which is not connected',
    remedy: 'Nothing at first: the caller tries again. If the node is gone for good, restart the controller.',
  },
  NODE_TOO_OLD: {
    status: 'UNAVAILABLE',
    template: 'node {node} sent what is no answer to {method}',
    remedy: 'Bring the daemons and the controller to the same version.',
  },
  FLEET_DENIED: {
    status: 'PERMISSION_DENIED',
    template: 'this is not accepted as node {node}: {problem}',
    remedy:
      "Check the daemon's ServiceAccount and its projected token (audience, node name); the controller's log has more.",
  },
  FLEET_GREETING: {
    status: 'INVALID_ARGUMENT',
    template: 'the stream did not begin with an inventory: {problem}',
    remedy: 'Bring the daemon and the controller to the same version.',
  },
  UNINSTALL_REFUSED: {
    status: 'FAILED_PRECONDITION',
    template: 'the cluster has {count} volumes of Berth: {volumes}',
    remedy:
      'Delete their claims, or uninstall with `helm uninstall --no-hooks`: then the data stays on the disks, and an installation anew serves it.',
  },
  KUBERNETES_FAILED: {
    status: 'UNAVAILABLE',
    template: 'the Kubernetes API did not do this: {action}: {problem}',
    remedy: "Look at the API server and at the rights of the controller's ServiceAccount.",
  },

  LEDGER_TOO_NEW: {
    status: 'FAILED_PRECONDITION',
    template: 'the ledger of pool {pool} has schema {found}, this Berth knows up to {known}',
    remedy: 'Run the newer Berth that wrote it.',
  },
  LEDGER_DAMAGED: {
    status: 'DATA_LOSS',
    template: 'the ledger of pool {pool} cannot be read: {problem}',
    remedy: 'Nothing on the pool was touched. See docs/operations.md, "A damaged ledger".',
  },

  // Jobs
  JOB_NOT_FOUND: {
    status: 'NOT_FOUND',
    template: 'job {id} does not exist',
    remedy: 'Check the id with `berth job list`.',
  },
  JOB_NOT_CANCELLABLE: {
    status: 'FAILED_PRECONDITION',
    template: 'job {id} cannot be cancelled: {problem}',
    remedy: 'Let it finish.',
  },
  JOB_FAILED: {
    status: 'INTERNAL',
    template: '{operation} failed: {problem}',
    remedy: 'See the log for the cause.',
  },

  // Disks
  DISK_NOT_FOUND: {
    status: 'NOT_FOUND',
    template: 'no disk {id} on this node',
    remedy: 'Check the id with `berth disk list`.',
  },
  DISK_IN_USE: {
    status: 'FAILED_PRECONDITION',
    template: 'disk {id} is not free: {reasons}',
    remedy: '`berth disk explain` tells every reason. Berth does not wipe what it did not make.',
  },
  DISK_CHANGED: {
    status: 'FAILED_PRECONDITION',
    template: 'disk {id} changed since it was listed',
    remedy: 'Look at it again with `berth disk explain`, then repeat with the digest shown.',
  },
  DISK_AMBIGUOUS: {
    status: 'FAILED_PRECONDITION',
    template: 'selector {selector} matches {count} disks: {disks}',
    remedy: 'Make the selector match exactly one disk.',
  },

  // The daemon
  CONFIG_INVALID: {
    status: 'INVALID_ARGUMENT',
    template: '{file} has {count} problem(s):\n{problems}',
    remedy: 'Correct the file; `berth config check` repeats the test.',
  },
  STATE_FILE_DAMAGED: {
    status: 'INTERNAL',
    template: '{file} cannot be read: it is not what Berth wrote',
    remedy:
      'Restore the file or remove it. known-pools.json is only a safeguard; the pools of adopted.json are on their disks, and `berth disk adopt` takes them again.',
  },
  SOCKET_IN_USE: {
    status: 'FAILED_PRECONDITION',
    template: 'another process answers on {path}',
    remedy: 'Stop the other daemon, or give this one another socket.',
  },
  NFS_LISTEN_FAILED: {
    status: 'UNAVAILABLE',
    template: 'NFS cannot listen on {address}: {problem}',
    remedy: 'Choose another address or port with --nfs-listen, or stop what uses it.',
  },
  NFS_EXPORT_INVALID: {
    status: 'INVALID_ARGUMENT',
    template: 'NFS export {name}: {problem}',
    remedy: 'Give each export a name of its own without slashes, a directory that exists, and a UUID.',
  },
  SOCKET_PATH_UNUSABLE: {
    status: 'FAILED_PRECONDITION',
    template: 'socket path {path}: {problem}',
    remedy: 'Give the socket another path; Berth removes only sockets that nobody answers on.',
  },
  DAEMON_UNREACHABLE: {
    status: 'UNAVAILABLE',
    template: 'no berth daemon answers on {socket}: {problem}',
    remedy: 'Start `berth node` or `berth dev`, or name its socket with --socket or BERTH_SOCKET.',
  },
  REQUEST_TIMEOUT: {
    status: 'UNAVAILABLE',
    template: 'the daemon gave no answer within {seconds} s',
    remedy: 'The work may still go on: see `berth status` and `berth job list`. --timeout waits longer.',
  },
  METHOD_UNKNOWN: {
    status: 'UNIMPLEMENTED',
    template: 'the daemon does not know this request: {method}',
    remedy: 'The daemon is older than this command line. Use the one that came with it.',
  },
  SHUTTING_DOWN: {
    status: 'UNAVAILABLE',
    template: 'the daemon is shutting down',
    remedy: 'Nothing: the caller tries again by itself.',
  },
  TOOL_MISSING: {
    status: 'FAILED_PRECONDITION',
    template: '{tool} is not installed, {purpose} needs it',
    remedy: 'Install the package that has it.',
  },
  ROOT_REQUIRED: {
    status: 'PERMISSION_DENIED',
    template: '{operation} needs root',
    remedy: 'Run the daemon as root.',
  },

  // The command line
  USAGE_INVALID: {
    status: 'INVALID_ARGUMENT',
    template: '{problem}',
    remedy: 'See `berth --help`, or --help after the command.',
  },
  CONFIRMATION_REQUIRED: {
    status: 'FAILED_PRECONDITION',
    template: '{operation} needs a confirmation',
    remedy: 'Repeat with --yes.',
  },
  SOURCE_NOT_FOUND: {
    status: 'NOT_FOUND',
    template: 'no volume and no snapshot is called {name}',
    remedy: 'Check the name with `berth volume list`, with and without --snapshots.',
  },
  MOUNT_NOT_FOUND: {
    status: 'NOT_FOUND',
    template: 'no volume is mounted at {path}',
    remedy: 'See `berth volume show` for where a volume is mounted.',
  },
  NAME_AMBIGUOUS: {
    status: 'INVALID_ARGUMENT',
    template: '{name} means several: {matches}',
    remedy: 'Give more of the id.',
  },

  // The command line in a cluster
  KUBE_CONFIG_UNUSABLE: {
    status: 'INVALID_ARGUMENT',
    template: 'the kubeconfig cannot be used: {problem}',
    remedy: 'Name another with --kubeconfig or KUBECONFIG, and its context with --context.',
  },
  KUBE_REQUEST_FAILED: {
    status: 'UNAVAILABLE',
    template: 'the cluster did not do this: {action}: {problem}',
    remedy:
      'Check the context, that its API server answers, and your rights: docs/kubernetes.md lists those that are needed.',
  },
  KUBE_NOT_INSTALLED: {
    status: 'NOT_FOUND',
    template: 'no node daemon of Berth is in {where}',
    remedy: 'Install Berth with its chart, or name another --context or --berth-namespace.',
  },
  KUBE_SEVERAL_INSTALLED: {
    status: 'FAILED_PRECONDITION',
    template: 'node daemons of Berth are in several namespaces: {namespaces}',
    remedy: 'Name one with --berth-namespace. There should be one Berth in a cluster.',
  },
  NODE_REQUIRED: {
    status: 'INVALID_ARGUMENT',
    template: '{command} works on one node',
    remedy: 'Repeat with --node NAME; `berth --kube node list` shows the nodes.',
  },
  NODE_UNKNOWN: {
    status: 'NOT_FOUND',
    template: 'no node daemon of Berth is on node {node}; there are some on {nodes}',
    remedy: 'Check the name with `berth --kube node list`.',
  },
  NODE_UNREACHABLE: {
    status: 'UNAVAILABLE',
    template: 'the daemon of node {node} cannot be reached: {problem}',
    remedy:
      "Look at the daemon's pod on that node. The way to it is an exec into the pod: you need the right to create pods/exec in its namespace.",
  },
  CLAIM_NOT_FOUND: {
    status: 'NOT_FOUND',
    template: 'there is no claim {claim}',
    remedy: 'Check the name and the namespace with `kubectl get pvc -A`.',
  },

  INTERNAL: {
    status: 'INTERNAL',
    template: 'unexpected: {problem}',
    remedy: 'Report it, with the log line of the same request id.',
  },
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof catalogue;

type Fields<T extends string> = T extends `${string}{${infer Name}}${infer Rest}` ? Name | Fields<Rest> : never;
type Template<C extends ErrorCode> = (typeof catalogue)[C]['template'];

/** Values for an error's template, by name. */
export type ErrorDetails<C extends ErrorCode> = {
  [Name in Fields<Template<C>>]: string | number | bigint;
};

/** The only error that Berth's own code throws on purpose. The cause is logged and never sent. */
export class BerthError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly details: Record<string, string | number | bigint>;

  constructor(code: C, details: ErrorDetails<C>, options?: { cause?: unknown }) {
    super(fill(catalogue[code].template, details), options);
    this.name = 'BerthError';
    this.code = code;
    this.details = details;
  }

  get status(): StatusName {
    return catalogue[this.code].status;
  }

  get remedy(): string {
    return catalogue[this.code].remedy;
  }
}

function fill(template: string, details: Record<string, string | number | bigint>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(details[name] ?? whole));
}

/**
 * An error of another process of Berth, whose catalogue may be newer than this one: code, status and text are as they
 * came.
 */
export class RelayedError extends BerthError {
  readonly #status: StatusName;

  constructor({ code, status, message }: { code: string; status: StatusName; message: string }) {
    super('INTERNAL', { problem: message } as ErrorDetails<ErrorCode>);
    this.message = message;
    (this as { code: string }).code = code;
    this.#status = status;
  }

  override get status(): StatusName {
    return this.#status;
  }

  override get remedy(): string {
    return catalogue[this.code]?.remedy ?? catalogue.INTERNAL.remedy;
  }
}

/** Turns anything thrown into a BerthError; what is not one becomes INTERNAL, with its cause kept. */
export function toBerthError(thrown: unknown): BerthError {
  if (thrown instanceof BerthError) return thrown;
  const problem = thrown instanceof Error ? thrown.message : String(thrown);
  return new BerthError('INTERNAL', { problem }, { cause: thrown });
}
