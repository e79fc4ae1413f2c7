import type { ControllerConfig } from '../config/index.ts';
import { createIdentity, csiOf, DRIVER_NAME, middleware, serveCsi } from '../csi/index.ts';
import { createDoubts, createHub, createRoutes, type FleetNode } from '../fleet/index.ts';
import { createLogger, createMetrics, serveHttp } from '../observe/index.ts';
import { stopSignal } from '../rpc/stop-signal.ts';
import { version } from '../version.ts';
import { isStale, issueServer, type KeyPair } from './authority.ts';
import { serveFleet } from './fleet-server.ts';
import { type Cluster, connectCluster } from './kubernetes.ts';

const GRACE_MS = 10_000;
const RENEW_EVERY_MS = 3_600_000;
const RETRY_MS = 5_000;
/** Within this time after a start the nodes that are alive have found the controller. */
const SETTLE_MS = 10_000;

export interface Controller {
  /** Where nodes connect. */
  readonly fleetPort: number;
  /** Of the HTTP server. */
  readonly httpPort: number;
  close(): Promise<void>;
}

/** `berth controller`: CSI for the sidecars on one side, the nodes' streams on the other, and nothing of its own. */
export async function startController(
  config: ControllerConfig,
  cluster: Cluster = connectCluster(config.kubernetes),
  { settleMs = SETTLE_MS } = {},
): Promise<Controller> {
  const log = createLogger({ level: config.log.level });
  const tell = (level: 'info' | 'warn' | 'error', message: string, fields: object): void => log[level](fields, message);
  const startedAt = Date.now();

  const authority = () => cluster.authority(Date.now());
  const issue = (issuer: KeyPair) => issueServer(issuer, config.fleet.names, Date.now());
  let pair = await issue((await authority()).issuer);

  const hub = createHub({
    authenticate: (token) => cluster.authenticate(token),
    onChange: (node) => untaint(node),
    log: tell,
  });
  /** Nodes whose taint is gone, or is being removed. It is put back by nobody: a daemon that is silent may only be busy. */
  const untainted = new Set<string>();
  const untaint = (node: FleetNode): void => {
    if (!node.ready || untainted.has(node.name)) return;
    untainted.add(node.name);
    cluster.removeTaint(node.name).catch((error: Error) => {
      log.warn({ node: node.name, problem: error.message }, 'the start-up taint is still there');
      setTimeout(() => {
        untainted.delete(node.name);
        const now = hub.nodes().find(({ name }) => name === node.name);
        if (now !== undefined) untaint(now);
      }, RETRY_MS).unref();
    });
  };

  const ready = (): boolean => hub.nodes().length > 0 || Date.now() - startedAt > settleMs;
  const metrics = createMetrics({ version, nodes: () => hub.nodes() });
  const doubts = createDoubts({ settledAt: startedAt + settleMs, now: Date.now });
  const csi = csiOf(
    {
      Identity: createIdentity({ name: DRIVER_NAME, version, ready }),
      ...createRoutes(hub, doubts),
    },
    middleware({ log, metrics: metrics.csi, defaultDeadlineMs: config.csi.defaultDeadlineMs }),
  );

  const closers: (() => Promise<unknown> | unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const end of closers.splice(0).reverse()) await end();
  };
  try {
    const http = await serveHttp({
      ...config.http,
      metrics,
      readiness: () => ({ ready: ready(), reasons: ready() ? [] : ['no node has connected yet'] }),
      log,
    });
    closers.push(() => http.close());
    const fleet = await serveFleet(config.fleet.listen, hub.service, pair);
    closers.push(() => {
      hub.close();
      fleet.close();
    });
    const renew = async (): Promise<void> => {
      const { issuer } = await authority();
      if (!isStale(pair, issuer, Date.now())) return;
      const newer = await issue(issuer);
      await fleet.renew(newer);
      pair = newer;
      log.info('the certificate was renewed');
    };
    const renewal = setInterval(() => {
      renew().catch((error: Error) => log.warn({ problem: error.message }, 'the certificate was not renewed'));
    }, RENEW_EVERY_MS);
    closers.push(() => clearInterval(renewal));
    const csiServer = await serveCsi(config.csi.socket, csi);
    closers.push(() => csiServer.close(GRACE_MS));
    log.info({ csi: config.csi.socket, fleet: fleet.port, http: http.port, version }, 'berth controller is up');
    return { fleetPort: fleet.port, httpPort: http.port, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Serves until SIGTERM or SIGINT. Returns the exit code. */
export async function runController(config: ControllerConfig): Promise<number> {
  const stop = stopSignal();
  const controller = await startController(config);
  await stop;
  await controller.close();
  return 0;
}
