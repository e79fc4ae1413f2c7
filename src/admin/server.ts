import { loadProto, serviceOf } from '../rpc/proto.ts';
import { listenUnix, type UnixServer } from '../rpc/server.ts';
import type { Call } from '../volumes/model.ts';
import type { AdminBackend } from './backend.ts';
import { type Observe, unary } from './handler.ts';
import { jobMethods, watchJobs } from './methods/jobs.ts';
import { nodeMethods } from './methods/node.ts';
import { volumeMethods } from './methods/volumes.ts';

/** Whoever can connect can destroy volumes, so only the owner can. */
const SOCKET_MODE = 0o600;

/**
 * Serves berth.v1.Admin for the command line. Rejects with SOCKET_IN_USE when another daemon answers on the socket, or
 * SOCKET_PATH_UNUSABLE. `observe` hears of every unary call.
 */
export async function serveAdmin(options: {
  socket: string;
  backend: AdminBackend;
  observe?: Observe;
}): Promise<UnixServer> {
  const { socket, backend, observe = () => {} } = options;
  const stopping = new AbortController();
  const definition = serviceOf(loadProto('berth/v1/admin.proto'), 'berth.v1.Admin');
  const methods = { ...nodeMethods(backend), ...volumeMethods(backend), ...jobMethods(backend.service) };
  const handlers = Object.entries(methods).map(([name, handle]) => [
    name,
    unary(`/berth.v1.Admin/${name}`, observe, handle as (request: unknown, call: Call) => Promise<unknown>),
  ]);
  const implementation = {
    ...Object.fromEntries(handlers),
    WatchJobs: watchJobs(backend.service, stopping.signal),
  };
  const server = await listenUnix({ path: socket, services: [{ definition, implementation }], mode: SOCKET_MODE });
  return {
    path: server.path,
    close(graceMs) {
      stopping.abort();
      return server.close(graceMs);
    },
  };
}
