import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { serveAdmin } from '../admin/index.ts';
import type { Config } from '../config/index.ts';
import { createCsi, DRIVER_NAME, serveCsi } from '../csi/index.ts';
import { createDisks, readDiskFacts } from '../disks/index.ts';
import { joinAs } from '../fleet/index.ts';
import { collectGarbage } from '../host/garbage.ts';
import { createLogger, createMetrics, readiness, serveHttp } from '../observe/index.ts';
import { managePools } from '../pools/manager.ts';
import { stopSignal } from '../rpc/stop-signal.ts';
import { version } from '../version.ts';
import { createVolumeService, type VolumeService } from '../volumes/index.ts';
import { adoptDisk } from './adopt.ts';
import { openAdopted } from './adopted.ts';
import { openKnownPools } from './known-pools.ts';
import { registerWithKubelet } from './registration.ts';

/** What running calls, and then the pools, get to end in at a stop; together within Kubernetes' 30 s. */
const GRACE_MS = 10_000;
/** What is left to end by itself when all is closed. */
const LINGER_MS = 2_000;

export interface Daemon {
  readonly service: VolumeService;
  /** Of the HTTP server, when the config left it to the system. */
  readonly httpPort: number;
  /** Of the NFS server, where there is one. */
  readonly nfsPort: number | undefined;
  /** Resolves when every pool has been opened or given up, with a line for each that is not ready. */
  settled(): Promise<string[]>;
  /** Finishes what runs, closes the pools, removes the sockets. Says whether a pool's thread is stuck in the kernel. */
  close(): Promise<'closed' | 'stuck'>;
}

/** Wires the rooms together: disks and pools below, the volumes room, and the sockets on top. */
export async function startDaemon(config: Config, mode: 'node' | 'dev'): Promise<Daemon> {
  const log = createLogger({ level: config.log.level });
  const { name, zone, region, address, stateDir } = config.node;
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const adopted = openAdopted(stateDir);
  const adoptedPools = adopted.pools().filter((pool) => !config.pools.some((other) => other.name === pool.name));
  const configured = [...config.pools, ...adoptedPools];

  const disks = createDisks({
    policy: () => ({
      nodeName: name,
      knownPools: new Map(
        manager.pools.flatMap(({ opened, config }) => (opened === undefined ? [] : [[opened.id, config.name]])),
      ),
      allowLoop: new Set(
        manager.pools.flatMap(({ config }) =>
          (config.disks ?? []).flatMap((disk) => (disk.allowLoop && disk.path ? [disk.path] : [])),
        ),
      ),
    }),
  });
  const manager = managePools({
    config,
    pools: configured,
    disks,
    known: openKnownPools(stateDir),
    log: (level, message, fields = {}) => log[level](fields, message),
    onOpened: (opened) => volumes.poolOpened(opened),
  });
  const volumes = createVolumeService(() => manager.pools);
  const metrics = createMetrics({ version, pools: () => volumes.pools() });
  const ready = () => readiness(volumes.pools());

  const startedAt = Date.now();
  const closers: ((graceMs: number) => Promise<unknown>)[] = [];
  try {
    // A node that exports nothing has no use for the server's code.
    const exports =
      config.nfs &&
      (await (await import('./exports.ts')).serveExports(volumes, config.nfs, { address, stateDir, log }));
    if (exports !== undefined) closers.push(() => exports.close());
    const service =
      exports === undefined
        ? volumes
        : { ...exports.service, ...(await import('./shares.ts')).mountShares(exports.service, exports.local, log) };
    const http = await serveHttp({ ...config.http, metrics, readiness: ready, log });
    closers.push(() => http.close());
    const admin = await serveAdmin({
      socket: config.admin.socket,
      observe: (record) => log.debug(record, 'admin call'),
      backend: {
        service,
        disks: { list: () => disks.list(), explain: (id) => disks.explain(id), facts: readDiskFacts },
        stagingDir: join(stateDir, 'mounts'),
        adoptDisk: (request) => adoptDisk(request, { disks, manager, adopted }),
        async importPool({ pool: wanted }) {
          await manager.takeOver(wanted);
          return manager.pools.find(({ id, config }) => id === wanted || config.name === wanted)!.status();
        },
        forgetPool: ({ pool }) => manager.forget(pool),
        status: () => ({
          version,
          mode,
          node: { name, zone, region },
          startedAt,
          csiSocket: config.csi.socket,
          httpListen: `${config.http.host}:${http.port}`,
          ready: ready().ready,
          problems: ready().reasons,
        }),
      },
    });
    closers.push((graceMs) => admin.close(graceMs));
    const csi = createCsi({
      service,
      node: { name, zone, region, version },
      inlineDir: join(stateDir, 'inline'),
      log,
      metrics: metrics.csi,
      defaultDeadlineMs: config.csi.defaultDeadlineMs,
      ready: () => ready().ready,
    });
    const csiServer = await serveCsi(config.csi.socket, csi);
    closers.push((graceMs) => csiServer.close(graceMs));
    const tell = (level: 'info' | 'warn' | 'error', message: string, fields: object): void =>
      log[level](fields, message);
    if (config.kubelet !== undefined) {
      const { registrationDir, endpoint } = config.kubelet;
      const registration = await registerWithKubelet({
        dir: registrationDir,
        driverName: DRIVER_NAME,
        endpoint,
        log: tell,
      });
      closers.push(() => registration.close());
    }
    if (config.fleet !== undefined) {
      const { topology } = csi;
      const member = { node: name, version, topology, csi, service, ready: () => ready().ready, log: tell };
      const fleet = joinAs(member, config.fleet);
      closers.push(async () => fleet.close());
    }
    const watch = disks.watch({ onChange: () => manager.rescan() });
    closers.push(async () => watch.close());
    log.info(
      { node: name, csi: config.csi.socket, admin: config.admin.socket, http: http.port, version },
      'berth is up',
    );
    const settled = manager.settled().then(() => exports?.exportAll());
    void settled.then(collectGarbage);

    return {
      service,
      httpPort: http.port,
      nfsPort: exports?.nfs.port,
      settled: async () => {
        await settled;
        return ready().reasons;
      },
      async close() {
        await Promise.all(closers.map((close) => close(GRACE_MS)));
        const outcome = await manager.close(GRACE_MS);
        log.info({ pools: outcome }, 'berth has stopped');
        return outcome;
      },
    };
  } catch (error) {
    await Promise.all(closers.map((close) => close(0)));
    await manager.close(GRACE_MS);
    throw error;
  }
}

/** Serves until SIGTERM or SIGINT. Returns the exit code. */
export async function runNode(config: Config): Promise<number> {
  const stop = stopSignal();
  const daemon = await startDaemon(config, 'node');
  await stop;
  endUnlessClosed(await daemon.close());
  return 0;
}

/** A thread or child that sleeps in the kernel keeps a process from ending in any other way. */
export function endUnlessClosed(outcome: 'closed' | 'stuck'): void {
  const end = (): void => void process.kill(process.pid, 'SIGKILL');
  if (outcome === 'stuck') end();
  else setTimeout(end, LINGER_MS).unref();
}
