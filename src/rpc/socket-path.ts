import { lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { BerthError } from '../errors.ts';

/** unix(7): sun_path holds 108 bytes, the last of them a NUL. */
export const SOCKET_PATH_MAX_BYTES = 107;

/** Makes sure that a socket can be bound at `path`: removes one whose process is gone, and nothing else. */
export async function claimSocketPath(path: string): Promise<void> {
  const length = Buffer.byteLength(path);
  if (length > SOCKET_PATH_MAX_BYTES) {
    throw new BerthError('SOCKET_PATH_UNUSABLE', {
      path,
      problem: `${length} bytes long, the system allows ${SOCKET_PATH_MAX_BYTES}`,
    });
  }
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new BerthError('SOCKET_PATH_UNUSABLE', { path, problem: 'something else is there' });
  if (await answers(path)) throw new BerthError('SOCKET_IN_USE', { path });
  unlinkSync(path);
}

/** Whether a process listens on the socket. One whose queue is full (EAGAIN) does, too. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}
