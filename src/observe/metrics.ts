import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { PoolStatus } from '../volumes/model.ts';
import { type ObservedNode, registerFleetMetrics } from './fleet-metrics.ts';
import { registerPoolMetrics } from './pool-metrics.ts';

/** What the csi room reports: `start` at the beginning of a call, the function it returns at its end. */
export interface CallMetrics {
  /** `method` as in `csi.v1.Node/NodeStageVolume`; `grpcStatus` is the status by name, `OK` among them. */
  start(method: string): (grpcStatus: string) => void;
}

export interface Metrics {
  readonly csi: CallMetrics;
  /** The registry's content in Prometheus' text format, and that format's content type. */
  readonly contentType: string;
  render(): Promise<string>;
}

const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** prom-client samples the event loop with a timer; its default of 10 ms would keep an idle daemon awake. */
const EVENT_LOOP_SAMPLE_MS = 100;

/** Makes a registry of its own. `pools` of a node and `nodes` of a controller are asked at each scrape and must not block. */
export function createMetrics(options: {
  version: string;
  pools?(): readonly PoolStatus[];
  nodes?(): readonly ObservedNode[];
}): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS });
  new Gauge({
    name: 'berth_build_info',
    help: 'The version that runs, as a label; the value is 1.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version: options.version }, 1);
  if (options.pools) registerPoolMetrics(registry, options.pools);
  if (options.nodes) registerFleetMetrics(registry, options.nodes);
  return {
    csi: createCallMetrics(registry),
    contentType: registry.contentType,
    render: () => registry.metrics(),
  };
}

function createCallMetrics(registry: Registry): CallMetrics {
  const duration = new Histogram({
    name: 'berth_csi_request_duration_seconds',
    help: 'How long CSI calls took, by method and gRPC status.',
    labelNames: ['method', 'grpc_status'],
    buckets: DURATION_BUCKETS_S,
    registers: [registry],
  });
  const inFlight = new Gauge({
    name: 'berth_csi_requests_in_flight',
    help: 'CSI calls that run now.',
    labelNames: ['method'],
    registers: [registry],
  });
  return {
    start(method) {
      inFlight.inc({ method });
      const stop = duration.startTimer({ method });
      return (grpcStatus) => {
        inFlight.dec({ method });
        stop({ grpc_status: grpcStatus });
      };
    },
  };
}
