import { expect, test } from 'vitest';
import { createMetrics } from '../../src/observe/index.ts';
import type { PoolStatus } from '../../src/volumes/model.ts';
import { fakePool } from '../csi/fake-volumes.ts';

test('pools are read at each scrape, and those that are gone are not shown', async () => {
  let pools: PoolStatus[] = [
    fakePool({
      name: 'a',
      totalBytes: 100n,
      availableBytes: 60n,
      provisionedBytes: 30n,
      reserveBytes: 10n,
      volumes: 3,
    }),
    fakePool({ name: 'b', state: 'lost' }),
  ];
  const metrics = createMetrics({ version: '1.2.3', pools: () => pools });
  const first = await metrics.render();
  for (const line of [
    'berth_build_info{version="1.2.3"} 1',
    'berth_pool_size_bytes{pool="a",class="lab",backend="image"} 100',
    'berth_pool_available_bytes{pool="a",class="lab",backend="image"} 60',
    'berth_pool_provisioned_bytes{pool="a",class="lab",backend="image"} 30',
    'berth_pool_reserved_bytes{pool="a",class="lab",backend="image"} 10',
    'berth_pool_volumes{pool="a",class="lab",backend="image"} 3',
    'berth_pool_state{pool="a",class="lab",backend="image",state="ready"} 1',
    'berth_pool_state{pool="a",class="lab",backend="image",state="lost"} 0',
    'berth_pool_state{pool="b",class="lab",backend="image",state="lost"} 1',
  ]) {
    expect(first.split('\n')).toContain(line);
  }
  expect(first).toContain('process_cpu_seconds_total');
  pools = pools.slice(1);
  expect(await metrics.render()).not.toContain('pool="a"');
});

test('calls are counted while they run and timed when they end', async () => {
  const metrics = createMetrics({ version: '', pools: () => [] });
  const end = metrics.csi.start('m');
  expect(await metrics.render()).toContain('berth_csi_requests_in_flight{method="m"} 1');
  end('ABORTED');
  const text = await metrics.render();
  expect(text).toContain('berth_csi_requests_in_flight{method="m"} 0');
  expect(text).toContain('berth_csi_request_duration_seconds_count{method="m",grpc_status="ABORTED"} 1');
});

test('two registries do not mix', async () => {
  const one = createMetrics({ version: 'one', pools: () => [] });
  createMetrics({ version: 'two', pools: () => [] });
  expect(await one.render()).not.toContain('two');
});

test('a controller shows the nodes that are connected, and no pools', async () => {
  const nodes = [
    { name: 'n1', version: '1', ready: true },
    { name: 'n2', version: '2', ready: false },
  ];
  const text = await createMetrics({ version: '1', nodes: () => nodes }).render();
  expect(text).toContain('berth_fleet_node_ready{node="n1",version="1"} 1');
  expect(text).toContain('berth_fleet_node_ready{node="n2",version="2"} 0');
  expect(text).not.toContain('berth_pool_');
});
