import { afterEach, expect, test } from 'vitest';
import { createLogger, type HttpServer, type Readiness, readiness, serveHttp } from '../../src/observe/index.ts';
import { fakePool } from '../csi/fake-volumes.ts';

let server: HttpServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const metrics = { contentType: 'text/plain; version=0.0.4', render: async () => 'berth_up 1\n' };

async function serve(options: { render?: () => Promise<string>; readiness?: () => Readiness } = {}): Promise<string> {
  server = await serveHttp({
    host: '127.0.0.1',
    port: 0,
    metrics: { ...metrics, ...(options.render && { render: options.render }) },
    readiness: options.readiness ?? (() => ({ ready: true, reasons: [] })),
    log: createLogger({ level: 'silent' }),
  });
  return `http://127.0.0.1:${server.port}`;
}

async function get(url: string, method = 'GET') {
  const response = await fetch(url, { method });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

test('metrics and health', async () => {
  const url = await serve();
  expect(await get(`${url}/metrics`)).toEqual({ status: 200, type: metrics.contentType, text: 'berth_up 1\n' });
  expect(await get(`${url}/metrics?x=1`)).toMatchObject({ status: 200 });
  expect(await get(`${url}/healthz`)).toMatchObject({ status: 200, text: 'ok\n' });
  expect(await get(`${url}/healthz`, 'HEAD')).toMatchObject({ status: 200, text: '' });
});

test('anything else is refused', async () => {
  const url = await serve();
  expect(await get(`${url}/`)).toMatchObject({ status: 404 });
  expect(await get(`${url}/constructor`)).toMatchObject({ status: 404 });
  expect(await get(`${url}/metrics`, 'POST')).toMatchObject({ status: 405 });
});

test('metrics that fail are a 500 without the reason', async () => {
  const url = await serve({ render: () => Promise.reject(new Error('secret')) });
  expect(await get(`${url}/metrics`)).toMatchObject({ status: 500, text: 'see the log\n' });
});

test('not ready while a pool opens, with the reasons', async () => {
  const pools = [fakePool({ name: 'a', state: 'opening' }), fakePool({ name: 'b', state: 'lost', reason: 'no disk' })];
  const url = await serve({ readiness: () => readiness(pools) });
  expect(await get(`${url}/readyz`)).toMatchObject({
    status: 503,
    text: 'not ready\npool a is opening\npool b is lost: no disk\n',
  });
  pools[0]!.state = 'ready';
  expect(await get(`${url}/readyz`)).toMatchObject({ status: 200, text: 'ready\npool b is lost: no disk\n' });
});

test('an address that is taken is said to be', async () => {
  await serve();
  const again = serveHttp({
    host: '127.0.0.1',
    port: server!.port,
    metrics,
    readiness: () => readiness([]),
    log: createLogger({ level: 'silent' }),
  });
  await expect(again).rejects.toMatchObject({ code: 'SOCKET_IN_USE', details: { path: `127.0.0.1:${server!.port}` } });
});
