import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCsi, serveCsi } from '../../src/csi/index.ts';
import { createLogger, createMetrics } from '../../src/observe/index.ts';
import type { VolumeService } from '../../src/volumes/model.ts';
import { type CsiClient, connectCsi } from './client.ts';

export type LogLine = Record<string, unknown>;

export interface Served {
  readonly folder: string;
  readonly socket: string;
  readonly client: CsiClient;
  /** What was logged so far, a parsed line each. */
  readonly lines: LogLine[];
  renderMetrics(): Promise<string>;
  stop(graceMs?: number): Promise<void>;
}

export const TEST_NODE = { name: 'n1', zone: 'z1', region: 'r1', version: '1.2.3' };

/** The real CSI server before any VolumeService, in a folder of its own that `stop` removes. */
export async function serveForTest(
  service: VolumeService,
  options: { defaultDeadlineMs?: number; ready?: () => boolean } = {},
): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-csi-'));
  const socket = join(folder, 'csi.sock');
  const lines: LogLine[] = [];
  const log = createLogger({ level: 'debug', destination: { write: (line) => lines.push(JSON.parse(line)) } });
  const metrics = createMetrics({ version: TEST_NODE.version, pools: () => service.pools() });
  const csi = createCsi({
    service,
    node: TEST_NODE,
    inlineDir: join(folder, 'inline'),
    log,
    metrics: metrics.csi,
    defaultDeadlineMs: options.defaultDeadlineMs ?? 60_000,
    ready: options.ready ?? (() => true),
  });
  const server = await serveCsi(`unix://${socket}`, csi);
  const client = connectCsi(socket);
  return {
    folder,
    socket,
    client,
    lines,
    renderMetrics: () => metrics.render(),
    async stop(graceMs = 1_000) {
      client.close();
      await server.close(graceMs);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
