import type { CallMetrics, Logger } from '../observe/index.ts';
import { loadProto, serviceOf } from '../rpc/proto.ts';
import { listenUnix } from '../rpc/server.ts';
import type { VolumeService } from '../volumes/model.ts';
import type { Handlers } from './compose.ts';
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
import { toService } from './server.ts';
import { createLocalTopology } from './topology.ts';

export const DRIVER_NAME = 'csi.berth.dev';

export interface CsiServerOptions {
  /** A unix socket, as a path or as `unix://` and a path. */
  endpoint: string;
  service: VolumeService;
  node: {
    name: string;
    zone?: string | undefined;
    region?: string | undefined;
    driverName?: string | undefined;
    version: string;
  };
  log: Logger;
  metrics: CallMetrics;
  /** For calls whose client sets no deadline. */
  defaultDeadlineMs: number;
  /** Whether the pools are open; until then Probe answers so. */
  ready(): boolean;
}

export interface CsiServer {
  /** Takes no new calls, lets running ones end for up to `graceMs`, then cuts them off. Removes the socket. */
  close(graceMs: number): Promise<void>;
}

const SOCKET_MODE = 0o600;
const SERVER_OPTIONS = {
  // The kubelet dials anew for every call; connections that nobody closed must not pile up.
  'grpc.max_connection_idle_ms': 60_000,
  'grpc.max_receive_message_length': 4 << 20,
  'grpc.max_send_message_length': -1,
};

/**
 * Serves CSI 1.13 on a unix socket that only its owner may use. Rejects with SOCKET_IN_USE or SOCKET_PATH_UNUSABLE.
 */
export async function serveCsi(options: CsiServerOptions): Promise<CsiServer> {
  const { service, node, log, metrics, ready } = options;
  const local = createLocalTopology(node);
  const context = { service, nodeName: node.name, local };
  const chain = [
    logCalls(log),
    measureCalls(metrics),
    mapErrors,
    keepDeadline({ defaultMs: options.defaultDeadlineMs }),
    enforceLimits,
    lockSubjects(),
  ];
  const handlers: Record<string, Handlers> = {
    Identity: createIdentity({ name: node.driverName ?? DRIVER_NAME, version: node.version, ready }),
    Controller: createController(context),
    GroupController: createGroupController(context),
    Node: createNode(context),
  };
  const proto = loadProto('csi/v1/csi.proto');
  return listenUnix({
    path: options.endpoint.replace(/^unix:(\/\/)?/, ''),
    services: Object.entries(handlers).map(([name, rpcs]) =>
      toService(serviceOf(proto, `csi.v1.${name}`), rpcs, chain),
    ),
    mode: SOCKET_MODE,
    options: SERVER_OPTIONS,
  });
}
