import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NfsOptions, type NfsServer, serveNfs } from '../../src/nfs/index.ts';
import { type Files, filesOf } from './client/files.ts';
import { NfsClientError, type NfsSession, openSession, type SessionOptions } from './client/session.ts';

export const VOLUME_ID = '11111111-2222-4333-8444-555555555555';

/** A server on a temporary folder, its one export `data`, and its clients. */
export interface Harness {
  readonly server: NfsServer;
  /** The exported directory. */
  readonly data: string;
  /** What the server complained about. */
  readonly complaints: unknown[];
  /** Milliseconds to move the server's clock on by. */
  advance(ms: number): void;
  open(options?: Omit<SessionOptions, 'port'>): Promise<NfsSession>;
  files(options?: Omit<SessionOptions, 'port'>): Promise<Files>;
  /** Ends the server as a crash would, as far as its clients can see, and starts it anew on the same folder. */
  restart(options?: Partial<NfsOptions>): Promise<void>;
  close(): Promise<void>;
}

export async function startHarness(options: Partial<NfsOptions> = {}, parentDir = tmpdir()): Promise<Harness> {
  const folder = mkdtempSync(join(parentDir, 'berth-nfs-'));
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o777 });
  const complaints: unknown[] = [];
  const sessions: NfsSession[] = [];
  let skewMs = 0;
  const start = async (more: Partial<NfsOptions>): Promise<NfsServer> => {
    const server = await serveNfs({
      stateDir: join(folder, 'state'),
      listen: { host: '127.0.0.1', port: 0 },
      log: {
        info: () => {},
        warn: () => {},
        error: (details) => complaints.push(details),
      },
      clock: { now: () => performance.now() + skewMs },
      ...options,
      ...more,
    });
    await server.addExport('data', data, VOLUME_ID);
    return server;
  };
  let server = await start({});
  const harness: Harness = {
    get server() {
      return server;
    },
    data,
    complaints,
    advance(ms) {
      skewMs += ms;
    },
    async open(more) {
      const session = await openSession({ port: server.port, ...more });
      sessions.push(session);
      return session;
    },
    files: async (more) => filesOf(await harness.open(more)),
    async restart(more = {}) {
      for (const session of sessions.splice(0)) session.transport.close();
      await server.close();
      server = await start(more);
    },
    async close() {
      for (const session of sessions) session.transport.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return harness;
}

/** The status with which the operations end. */
export async function statusOf(work: Promise<unknown>): Promise<number> {
  try {
    await work;
    return 0;
  } catch (error) {
    if (error instanceof NfsClientError) return error.status;
    throw error;
  }
}
