import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { BerthError } from '../errors.ts';
import { claimSocketPath } from './socket-path.ts';

export interface Service {
  definition: ServiceDefinition;
  implementation: UntypedServiceImplementation;
}

export interface UnixServer {
  readonly path: string;
  /**
   * Takes no new calls, lets running ones end for up to `graceMs`, then cuts them off. Removes the socket. Never
   * rejects; a second call waits for the first.
   */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves gRPC on a unix socket with the permissions `mode`. Missing folders are made; a socket that nobody answers on
 * is replaced. Rejects with SOCKET_IN_USE or SOCKET_PATH_UNUSABLE.
 */
export async function listenUnix(listen: {
  path: string;
  services: readonly Service[];
  mode: number;
  options?: ServerOptions;
}): Promise<UnixServer> {
  const { path, services, mode, options } = listen;
  const server = new Server(options);
  for (const { definition, implementation } of services) server.addService(definition, implementation);
  try {
    mkdirSync(dirname(path), { recursive: true });
    await claimSocketPath(path);
    await bind(server, path);
    chmodSync(path, mode);
  } catch (error) {
    if (error instanceof BerthError) throw error;
    throw new BerthError('SOCKET_PATH_UNUSABLE', { path, problem: (error as Error).message }, { cause: error });
  }
  let closed: Promise<void> | undefined;
  return {
    path,
    close: (graceMs) => {
      closed ??= stop(server, graceMs);
      return closed;
    },
  };
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

function stop(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
