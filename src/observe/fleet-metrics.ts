import { Gauge, type Registry } from 'prom-client';

/** A node that is connected, as the metrics of a controller show it. */
export interface ObservedNode {
  name: string;
  version: string;
  ready: boolean;
}

export function registerFleetMetrics(registry: Registry, nodes: () => readonly ObservedNode[]): void {
  new Gauge({
    name: 'berth_fleet_node_ready',
    help: 'Nodes that are connected to this controller: 1 when all their pools are served. One that is away has no value.',
    labelNames: ['node', 'version'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, version, ready } of nodes()) this.set({ node: name, version }, ready ? 1 : 0);
    },
  });
}
