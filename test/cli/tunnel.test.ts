import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { Duplex, PassThrough, Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Exec } from '@kubernetes/client-node';
import { afterEach, describe, expect, it } from 'vitest';
import { connectAdmin } from '../../src/admin/client.ts';
import { openExecStream } from '../../src/cluster/exec-stream.ts';
import { openTunnel, type Tunnel } from '../../src/cluster/tunnel.ts';
import { fakeVolume } from '../admin/fake-service.ts';
import { openLab } from './harness.ts';

let tunnel: Tunnel | undefined;
afterEach(() => tunnel?.close());

describe('openTunnel', () => {
  it('relays both ways, and its end', async () => {
    tunnel = await openTunnel(async () => new PassThrough());
    const socket = connect(tunnel.socket);
    socket.end('x'.repeat(1 << 20));
    let bytes = 0;
    socket.on('data', (data: Buffer) => {
      bytes += data.length;
    });
    await once(socket, 'close');
    expect(bytes).toBe(1 << 20);
  });

  it('hangs up and says why when the far end cannot be had', async () => {
    tunnel = await openTunnel(() => Promise.reject(new Error('forbidden')));
    const socket = connect(tunnel.socket);
    await once(socket.resume(), 'close');
    expect(tunnel.failure()?.message).toBe('forbidden');
  });

  it('leaves nothing behind, and ends what is open', async () => {
    let written = false;
    const far = new Duplex({
      read() {},
      write(_, __, done) {
        written = true;
        done();
      },
    });
    tunnel = await openTunnel(async () => far);
    const socket = connect(tunnel.socket);
    socket.on('error', () => {}); // a reset is as good an end
    socket.write('x');
    await expect.poll(() => written).toBe(true);
    const ended = new Promise((resolve) => socket.resume().once('close', resolve));
    tunnel.close();
    await ended;
    await expect.poll(() => far.destroyed).toBe(true);
    expect(existsSync(tunnel.socket)).toBe(false);
  });
});

describe('berth dial-stdio', () => {
  it('is the far end of a tunnel to a daemon', async () => {
    const volumes = Array.from({ length: 3_000 }, (_, index) => fakeVolume(index + 1));
    const lab = await openLab({ volumes });
    tunnel = await openTunnel(async () => {
      const child = spawn('bin/berth', ['dial-stdio', '--socket', lab.socket], { stdio: ['pipe', 'pipe', 'inherit'] });
      return Duplex.from({ readable: Readable.toWeb(child.stdout), writable: Writable.toWeb(child.stdin) });
    });
    const client = connectAdmin({ socket: tunnel.socket, timeoutMs: 30_000 });
    try {
      expect((await client.listVolumes()).length).toBe(volumes.length);
    } finally {
      client.close();
      await lab.close();
    }
  }, 60_000);
});

describe('openExecStream', () => {
  const target = { namespace: 'ns', pod: 'p', container: 'c', command: ['x'] };
  type Handler = (status: { status: string; message?: string }) => void;

  function fakeExec() {
    const fake = {
      frames: [] as Buffer[],
      acknowledge: [] as (() => void)[],
      paused: 0,
      resumed: 0,
      terminated: false,
      out: undefined as unknown as NodeJS.WritableStream,
      err: undefined as unknown as NodeJS.WritableStream,
      status: (() => {}) as Handler,
      closed: () => {},
    };
    const socket = {
      protocol: 'v5.channel.k8s.io',
      send(frame: Buffer, done: () => void) {
        fake.frames.push(frame);
        fake.acknowledge.push(done);
      },
      pause: () => fake.paused++,
      resume: () => fake.resumed++,
      close: () => {},
      terminate: () => {
        fake.terminated = true;
      },
      addEventListener: (_: string, listener: () => void) => {
        fake.closed = listener;
      },
    };
    const exec = {
      async exec(
        ...args: [string, string, string, string[], NodeJS.WritableStream, NodeJS.WritableStream, null, false, Handler]
      ) {
        [, , , , fake.out, fake.err, , , fake.status] = args;
        return socket;
      },
    } as unknown as Exec;
    return { fake, exec };
  }

  it('sends no more than is taken, and reads no more than is wanted', async () => {
    const { fake, exec } = fakeExec();
    const stream = await openExecStream(exec, target);
    expect(stream.write(Buffer.alloc(1 << 20))).toBe(false);
    stream.write('more');
    expect(fake.frames.map((frame) => [frame[0], frame.length])).toEqual([[0, (1 << 20) + 1]]);
    fake.acknowledge[0]!();
    await expect.poll(() => fake.frames.length).toBe(2);
    fake.out.write(Buffer.alloc(1 << 20));
    expect(fake.paused).toBe(1);
    stream.resume();
    await expect.poll(() => fake.resumed).toBeGreaterThan(0);
    stream.destroy();
    expect(fake.terminated).toBe(true);
  });

  it('closes the input when it ends, and ends when the program does', async () => {
    const { fake, exec } = fakeExec();
    const stream = await openExecStream(exec, target);
    stream.end();
    expect(fake.frames).toEqual([Buffer.of(255, 0)]);
    fake.acknowledge[0]!();
    fake.status({ status: 'Success' });
    await finished(stream.resume());
  });

  it.each([
    ['berth: DAEMON_UNREACHABLE: no daemon answers\n  hint: start it\n', 'no daemon answers'],
    ['sh: berth: not found\n', 'sh: berth: not found'],
    ['', 'command terminated with exit code 3'],
  ])('fails with what the program said: %j', async (told, message) => {
    const { fake, exec } = fakeExec();
    const stream = await openExecStream(exec, target);
    fake.err.write(told);
    fake.status({ status: 'Failure', message: 'command terminated with exit code 3' });
    await expect(finished(stream)).rejects.toThrow(message);
  });

  it('fails when the connection breaks', async () => {
    const { fake, exec } = fakeExec();
    const stream = await openExecStream(exec, target);
    fake.closed();
    await expect(finished(stream)).rejects.toThrow('broke');
  });

  it.each([
    ['403', 'you may not create pods/exec in namespace ns'],
    ['404', 'pod ns/p is gone'],
    ['400', 'pod ns/p has no running container c'],
  ])('says what an upgrade refused with %s means', async (status, message) => {
    const exec = { exec: () => Promise.reject({ message: `Unexpected server response: ${status}` }) };
    await expect(openExecStream(exec as unknown as Exec, target)).rejects.toThrow(message);
  });
});
