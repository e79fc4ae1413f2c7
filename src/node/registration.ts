import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { handleUnaryCall } from '@grpc/grpc-js';
import { loadProto, serviceOf } from '../rpc/proto.ts';
import { listenUnix } from '../rpc/server.ts';

export interface RegistrationOptions {
  /** The folder that the kubelet watches. */
  dir: string;
  driverName: string;
  /** The CSI socket, as the kubelet sees it. */
  endpoint: string;
  log(level: 'info' | 'error', message: string, fields: object): void;
}

interface RegistrationStatus {
  plugin_registered: boolean;
  error: string;
}

const SOCKET_MODE = 0o600;
const SUPPORTED_VERSIONS = ['1.0.0'];
const AGAIN_MS = 2_000;

/**
 * Registers the driver with the kubelet, again whenever it refuses. The socket appears under its name at once and as a
 * whole, and stays when the daemon ends: without it the kubelet would take the driver off the node, and a daemon that is
 * only being renewed would cost the node its topology.
 */
export async function registerWithKubelet(options: RegistrationOptions): Promise<{ close(): Promise<void> }> {
  const { dir, driverName, endpoint, log } = options;
  const path = join(dir, `${driverName}-reg.sock`);
  // The kubelet passes over names that begin with a dot.
  const hidden = join(dir, `.${driverName}-reg.sock`);
  let again: NodeJS.Timeout | undefined;

  const getInfo: handleUnaryCall<object, object> = (_call, callback) =>
    callback(null, { type: 'CSIPlugin', name: driverName, endpoint, supported_versions: SUPPORTED_VERSIONS });
  const notify: handleUnaryCall<RegistrationStatus, object> = ({ request }, callback) => {
    callback(null, {});
    if (request.plugin_registered) {
      log('info', 'the kubelet has registered the driver', { driver: driverName });
      return;
    }
    log('error', 'the kubelet did not register the driver', { driver: driverName, problem: request.error });
    clearTimeout(again);
    again = setTimeout(() => show().catch(tellFailure), AGAIN_MS);
  };
  const tellFailure = (error: Error): void =>
    log('error', 'the registration socket cannot be made', { problem: error.message });

  const services = [
    {
      definition: serviceOf(loadProto('kubelet/v1/registration.proto'), 'pluginregistration.Registration'),
      implementation: { GetInfo: getInfo, NotifyRegistrationStatus: notify },
    },
  ];
  const listen = async () => {
    mkdirSync(dir, { recursive: true });
    rmSync(hidden, { force: true });
    const server = await listenUnix({ path: hidden, services, mode: SOCKET_MODE });
    renameSync(hidden, path);
    return server;
  };
  let server = await listen();
  /** A socket that is new makes the kubelet ask again. */
  async function show(): Promise<void> {
    const old = server;
    server = await listen();
    await old.close(0);
  }
  return {
    async close() {
      clearTimeout(again);
      await server.close(0);
    },
  };
}
