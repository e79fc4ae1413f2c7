import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BerthError } from '../errors.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { Readiness } from './readiness.ts';

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

interface Answer {
  status: number;
  text: string;
  contentType?: string;
}

/**
 * Serves /metrics, /healthz (200 while the main thread runs) and /readyz (503 with the reasons until ready). Port 0
 * takes any free port. Rejects with SOCKET_IN_USE when the address is taken.
 */
export async function serveHttp(options: {
  host: string;
  port: number;
  metrics: Pick<Metrics, 'contentType' | 'render'>;
  readiness(): Readiness;
  log: Logger;
}): Promise<HttpServer> {
  const routes: Record<string, () => Answer | Promise<Answer>> = {
    '/metrics': async () => ({
      status: 200,
      text: await options.metrics.render(),
      contentType: options.metrics.contentType,
    }),
    '/healthz': () => ({ status: 200, text: 'ok\n' }),
    '/readyz': () => answerReadiness(options.readiness()),
  };
  const server = createServer((request, response) => {
    answer(routes, request)
      .catch((err: unknown) => {
        options.log.error({ err, path: request.url }, 'HTTP answer could not be made');
        return { status: 500, text: 'see the log\n' };
      })
      .then((made) => send(made, request, response));
  });
  server.listen(options.port, options.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new BerthError('SOCKET_IN_USE', { path: `${options.host}:${options.port}` }, { cause: error });
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(answer: Answer, request: IncomingMessage, response: ServerResponse): void {
  const { status, text, contentType = 'text/plain; charset=utf-8' } = answer;
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
  response.end(request.method === 'HEAD' ? undefined : text);
}

async function answer(
  routes: Record<string, () => Answer | Promise<Answer>>,
  request: IncomingMessage,
): Promise<Answer> {
  const path = (request.url ?? '').split('?', 1)[0]!;
  if (!Object.hasOwn(routes, path)) return { status: 404, text: `${Object.keys(routes).join(' ')}\n` };
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, text: 'GET or HEAD\n' };
  return await routes[path]!();
}

function answerReadiness({ ready, reasons }: Readiness): Answer {
  return { status: ready ? 200 : 503, text: `${[ready ? 'ready' : 'not ready', ...reasons].join('\n')}\n` };
}
