import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { claimSocketPath } from '../rpc/socket-path.ts';

/** A unix socket of which every connection goes on elsewhere. */
export interface Tunnel {
  readonly socket: string;
  /** Why a connection could not be made, or broke; the first time. */
  failure(): Error | undefined;
  /** Breaks what is open, and removes the socket. */
  close(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Listens in a folder that only its owner may enter. Rejects with SOCKET_PATH_UNUSABLE. */
export async function openTunnel(dial: () => Promise<Duplex>): Promise<Tunnel> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-'));
  const socket = join(folder, 'admin.sock');
  const open = new Set<Socket>();
  let failure: Error | undefined;

  const relay = async (near: Socket): Promise<void> => {
    open.add(near);
    try {
      await pipeline(near, await dial(), near);
    } catch (error) {
      failure ??= error as Error;
    } finally {
      near.destroy();
      open.delete(near);
    }
  };
  const server = createServer({ allowHalfOpen: true }, (near) => void relay(near));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const onSignal = (signal: NodeJS.Signals): void => {
    remove();
    process.kill(process.pid, signal); // by now it ends the process
  };

  try {
    await claimSocketPath(socket);
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve));
  } catch (error) {
    remove();
    throw error;
  }
  for (const signal of SIGNALS) process.once(signal, onSignal);
  return {
    socket,
    failure: () => failure,
    close() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      server.close();
      for (const one of open) one.destroy();
      remove();
    },
  };
}
