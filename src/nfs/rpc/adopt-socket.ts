import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';

/**
 * An accepted connection as a socket that reads into buffers of ours. Without `onread` Node takes fresh memory for every
 * piece that comes in, and the garbage collector then needs more time than the work; only net.Socket has that option, so
 * that what net.Server has made gives up its handle. The server must have been made with `pauseOnConnect`.
 */
export function adoptSocket(accepted: Socket, onread: OnReadOpts): Socket {
  const maker = accepted as unknown as { _handle: object | null };
  const handle = maker._handle;
  maker._handle = null;
  accepted.destroy(); // for the server's count of open connections
  return new Socket({ handle, onread } as SocketConstructorOpts);
}
