import { Duplex, Readable, Writable } from 'node:stream';
import type { Exec } from '@kubernetes/client-node';

export interface ExecTarget {
  namespace: string;
  pod: string;
  container: string;
  command: string[];
}

/** What is used of the WebSocket that an exec runs over. */
interface Socket {
  readonly protocol: string;
  send(frame: Buffer, done: (error?: Error) => void): void;
  pause(): void;
  resume(): void;
  close(): void;
  terminate(): void;
  addEventListener(event: 'close', listener: () => void): void;
}

/** Kubernetes' remotecommand protocol: the first byte of a frame says which stream it is of. */
const STDIN = Buffer.of(0);
const CLOSE_STDIN = Buffer.of(255, 0);
const KNOWS_CLOSE = 'v5.channel.k8s.io';
const STDERR_MAX_BYTES = 4_096;

/**
 * A program's standard input and output in a container, as one stream with back-pressure both ways. It ends when the
 * program ends with 0; else it fails with what the program or the cluster says. Rejects when the exec is refused.
 */
export async function openExecStream(exec: Exec, target: ExecTarget): Promise<Duplex> {
  let socket: Socket | undefined;
  let told = '';
  const stream = new Duplex({
    read: () => socket?.resume(),
    write: (chunk: Buffer, _, done) => socket!.send(Buffer.concat([STDIN, chunk]), done),
    final(done) {
      if (socket!.protocol === KNOWS_CLOSE) return socket!.send(CLOSE_STDIN, done);
      socket!.close();
      done();
    },
    destroy(error, done) {
      socket?.terminate();
      done(error);
    },
  });
  const output = new Writable({
    write(chunk: Buffer, _, done) {
      if (!stream.push(chunk)) socket?.pause();
      done();
    },
  });
  const errors = new Writable({
    write(chunk: Buffer, _, done) {
      told = (told + chunk.toString()).slice(-STDERR_MAX_BYTES);
      done();
    },
  });
  // The library would send input without waiting: it gets none, and frames are sent here.
  const noInput = new Readable({ read() {} });

  const { namespace, pod, container, command } = target;
  try {
    socket = await exec.exec(
      namespace,
      pod,
      container,
      command,
      output,
      errors,
      noInput,
      false,
      ({ status, message = 'the program failed' }) => {
        if (status === 'Success') stream.push(null);
        else stream.destroy(new Error(ownWords(told) ?? message));
      },
    );
  } catch (error) {
    throw new Error(refusal((error as Partial<Error>).message ?? '', target));
  }
  socket!.addEventListener('close', () => {
    if (!stream.readableEnded) stream.destroy(new Error('the connection through the API server broke'));
  });
  return stream;
}

/** `berth: CODE: message` of a command line of Berth, else all that was told. */
function ownWords(told: string): string | undefined {
  const text = told.trim();
  return /^berth: [A-Z_]+: (.*)$/m.exec(text)?.[1] ?? (text || undefined);
}

/** The body of a refused upgrade does not reach us, its HTTP status does. */
function refusal(message: string, { namespace, pod, container }: ExecTarget): string {
  const status = /Unexpected server response: (\d+)/.exec(message)?.[1];
  if (status === '401') return 'the API server does not know you';
  if (status === '403') return `you may not create pods/exec in namespace ${namespace}`;
  if (status === '404') return `pod ${namespace}/${pod} is gone`;
  if (status === '400') return `pod ${namespace}/${pod} has no running container ${container}`;
  return message || 'the API server cannot be reached';
}
