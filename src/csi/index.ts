import { BerthError } from '../errors.ts';
import type { CallMetrics, Logger } from '../observe/index.ts';
import { loadProto, serviceOf } from '../rpc/proto.ts';
import { listenUnix, type Service } from '../rpc/server.ts';
import type { VolumeService } from '../volumes/model.ts';
import type { Handlers, Middleware } from './compose.ts';
import { createController } from './controller.ts';
import { createGroupController } from './group-controller.ts';
import { createIdentity } from './identity.ts';
import { keepDeadline } from './middleware/deadline.ts';
import { mapErrors } from './middleware/errors.ts';
import { enforceLimits } from './middleware/limits.ts';
import { lockSubjects } from './middleware/lock.ts';
import { logCalls } from './middleware/log.ts';
import { measureCalls } from './middleware/metrics.ts';
import { createNode } from './node.ts';
import { createRpcs, methodName, type Rpc, toService } from './server.ts';
import { createSnapshotMetadata } from './snapshot-metadata.ts';
import { createLocalTopology } from './topology.ts';
import type { StringMap } from './types.ts';

export { createIdentity };

export const DRIVER_NAME = 'csi.berth.dev';

export interface CsiOptions {
  service: VolumeService;
  node: {
    name: string;
    zone?: string | undefined;
    region?: string | undefined;
    driverName?: string | undefined;
    version: string;
  };
  /** Where inline volumes are staged. */
  inlineDir: string;
  log: Logger;
  metrics: CallMetrics;
  /** For calls whose client sets no deadline. */
  defaultDeadlineMs: number;
  /** Whether the pools are open; until then Probe answers so. */
  ready(): boolean;
}

/** CSI's services, however a call comes in. */
export interface Csi {
  services: readonly Service[];
  /**
   * Runs one RPC, such as `csi.v1.Controller/CreateVolume`, and gives the bytes of its answer. Rejects with BerthError,
   * METHOD_UNSUPPORTED for what is none.
   */
  call(method: string, request: Buffer, options: { timeoutMs: number; requestId: string }): Promise<Buffer>;
}

export interface CsiServer {
  /** Takes no new calls, lets running ones end for up to `graceMs`, then cuts them off. Removes the socket. */
  close(graceMs: number): Promise<void>;
}

const SOCKET_MODE = 0o600;
const SERVER_OPTIONS = {
  // The kubelet dials anew for every call, and what nobody closed must not pile up for ever. A sidecar takes the end of its
  // one connection for the end of the driver and exits, so an idle one must live long.
  'grpc.max_connection_idle_ms': 24 * 3_600_000,
  'grpc.max_receive_message_length': 4 << 20,
  'grpc.max_send_message_length': -1,
};

/** What every call goes through, outermost first. */
export const middleware = ({
  log,
  metrics,
  defaultDeadlineMs,
}: Pick<CsiOptions, 'log' | 'metrics' | 'defaultDeadlineMs'>) => [
  logCalls(log),
  measureCalls(metrics),
  mapErrors,
  keepDeadline({ defaultMs: defaultDeadlineMs }),
  enforceLimits,
  lockSubjects(),
];

/** CSI 1.13 as one node serves it. */
export function createCsi(options: CsiOptions): Csi & { topology: StringMap } {
  const { service, node, ready, inlineDir } = options;
  const local = createLocalTopology(node);
  const context = { service, nodeName: node.name, local, inlineDir };
  const csi = csiOf(
    {
      Identity: createIdentity({ name: node.driverName ?? DRIVER_NAME, version: node.version, ready }),
      Controller: createController(context),
      GroupController: createGroupController(context),
      SnapshotMetadata: createSnapshotMetadata((query, call) => service.snapshotBlocks(query, call)),
      Node: createNode(context),
    },
    middleware(options),
  );
  return { ...csi, topology: local.topology.segments };
}

/** The services of csi.v1 that have handlers, within one chain of middleware. */
export function csiOf(handlers: Record<string, Handlers>, chain: readonly Middleware[]): Csi {
  const proto = loadProto('csi/v1/csi.proto');
  const groups = Object.entries(handlers).map(([name, rpcs]) =>
    createRpcs(serviceOf(proto, `csi.v1.${name}`), rpcs, chain),
  );
  const rpcs = new Map<string, Rpc>(
    groups.flatMap((group) => Object.values(group).map((rpc) => [methodName(rpc.definition), rpc])),
  );
  return {
    services: groups.map(toService),
    async call(method, request, { timeoutMs, requestId }) {
      const rpc = rpcs.get(method);
      if (rpc === undefined || rpc.definition.responseStream) throw new BerthError('METHOD_UNSUPPORTED', { method });
      return rpc.definition.responseSerialize(
        await rpc.run(request, { clientDeadline: Date.now() + timeoutMs, requestId }),
      );
    },
  };
}

/**
 * Serves CSI on a unix socket that only its owner may use; `endpoint` is its path, with `unix://` or without. Rejects
 * with SOCKET_IN_USE or SOCKET_PATH_UNUSABLE.
 */
export function serveCsi(endpoint: string, { services }: Csi): Promise<CsiServer> {
  return listenUnix({
    path: endpoint.replace(/^unix:(\/\/)?/, ''),
    services,
    mode: SOCKET_MODE,
    options: SERVER_OPTIONS,
  });
}
