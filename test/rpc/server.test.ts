import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadProto, serviceOf } from '../../src/rpc/proto.ts';
import { listenUnix, type UnixServer } from '../../src/rpc/server.ts';
import { SOCKET_PATH_MAX_BYTES } from '../../src/rpc/socket-path.ts';

const definition = serviceOf(loadProto('berth/v1/admin.proto'), 'berth.v1.Admin');

let dir: string;
let servers: UnixServer[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'berth-rpc-'));
  servers = [];
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.close(0)));
  rmSync(dir, { recursive: true });
});

/** A server whose CancelJob tells that it was called, and answers when `gate` does; other methods are not implemented. */
async function serve(
  path: string,
  {
    gate = Promise.resolve(),
    called = () => {},
    mode = 0o600,
  }: { gate?: Promise<unknown>; called?: () => void; mode?: number } = {},
): Promise<UnixServer> {
  const implementation = {
    CancelJob: async (_: unknown, answer: (error: null, response: object) => void) => {
      called();
      await gate;
      answer(null, {});
    },
  };
  const server = await listenUnix({ path, mode, services: [{ definition, implementation }] });
  servers.push(server);
  return server;
}

/** `ok`, or the name of the status that the call ended with. */
function call(path: string): Promise<string> {
  const { path: method, requestSerialize, responseDeserialize } = definition['CancelJob']!;
  const client = new Client(`unix:${path}`, credentials.createInsecure());
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      method,
      requestSerialize,
      responseDeserialize,
      { id: '1' },
      (error: ServiceError | null) => {
        client.close();
        resolve(error === null ? 'ok' : status[error.code]!);
      },
    );
  });
}

describe('listenUnix', () => {
  it('makes missing folders and sets the permissions asked for', async () => {
    const { path } = await serve(join(dir, 'a/b/x.sock'), { mode: 0o660 });
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect(await call(path)).toBe('ok');
  });

  it('replaces the socket of a process that was killed', async () => {
    const path = join(dir, 'x.sock');
    await leaveStaleSocket(path);
    expect(statSync(path).isSocket()).toBe(true);
    await serve(path);
    expect(await call(path)).toBe('ok');
  });

  it('leaves a socket that somebody answers on', async () => {
    const { path } = await serve(join(dir, 'x.sock'));
    await expect(serve(path)).rejects.toMatchObject({ code: 'SOCKET_IN_USE' });
    expect(await call(path)).toBe('ok');
  });

  it('leaves what is no socket', async () => {
    const path = join(dir, 'x.sock');
    writeFileSync(path, 'mine');
    await expect(serve(path)).rejects.toMatchObject({ code: 'SOCKET_PATH_UNUSABLE' });
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });

  it('tells why a folder cannot be made', async () => {
    writeFileSync(join(dir, 'file'), '');
    await expect(serve(join(dir, 'file/x.sock'))).rejects.toMatchObject({
      code: 'SOCKET_PATH_UNUSABLE',
      message: expect.stringMatching(/EEXIST|ENOTDIR/),
    });
  });

  it('takes paths up to the limit of the system, and names the limit beyond it', async () => {
    const longest = join(dir, 'x'.repeat(SOCKET_PATH_MAX_BYTES - dir.length - 1));
    expect(await call((await serve(longest)).path)).toBe('ok');
    await expect(serve(`${longest}x`)).rejects.toThrow(/108 bytes long, the system allows 107/);
  });
});

describe('close', () => {
  it('lets a running call end, takes no new one, and removes the socket', async () => {
    const gate = Promise.withResolvers<void>();
    const called = Promise.withResolvers<void>();
    const server = await serve(join(dir, 'x.sock'), { gate: gate.promise, called: called.resolve });
    const running = call(server.path);
    await called.promise;
    const closing = server.close(60_000);
    expect(server.close(0)).toBe(closing);
    expect(await call(server.path)).toBe('UNAVAILABLE');
    gate.resolve();
    expect(await running).toBe('ok');
    await closing;
    expect(existsSync(server.path)).toBe(false);
  });

  it('cuts off what does not end in time', async () => {
    const called = Promise.withResolvers<void>();
    const server = await serve(join(dir, 'x.sock'), { gate: new Promise(() => {}), called: called.resolve });
    const running = call(server.path);
    await called.promise;
    await server.close(50);
    expect(['CANCELLED', 'UNAVAILABLE']).toContain(await running);
  });
});

describe('loadProto', () => {
  it('keeps names, and gives 64-bit integers and enums as text', () => {
    const { responseDeserialize, responseSerialize } = definition['GetVolume']!;
    const volume = responseDeserialize(responseSerialize({ size_bytes: '9007199254740993', mounts: [{ path: '/a' }] }));
    expect(volume).toMatchObject({
      size_bytes: '9007199254740993',
      pool_id: '',
      source: null,
      mounts: [{ path: '/a', read_only: false }],
    });
  });

  it('names what is missing', () => {
    expect(() => loadProto('berth/v9/none.proto')).toThrow('proto/berth/v9/none.proto is not in this installation');
    expect(() => serviceOf(loadProto('berth/v1/admin.proto'), 'berth.v1.Volume')).toThrow('no service berth.v1.Volume');
  });
});

async function leaveStaleSocket(path: string): Promise<void> {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.stdout.write('up'))`;
  const child: ChildProcess = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout!, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}
