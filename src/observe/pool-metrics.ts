import { Gauge, type Registry } from 'prom-client';
import type { PoolState, PoolStatus } from '../volumes/model.ts';

const FIGURES: readonly (readonly [name: string, help: string, value: (pool: PoolStatus) => bigint | number])[] = [
  ['berth_pool_size_bytes', 'Size of the pool.', (pool) => pool.totalBytes],
  [
    'berth_pool_available_bytes',
    'Bytes that new volumes can have: size less reserve and all that is promised.',
    (pool) => pool.availableBytes,
  ],
  ['berth_pool_provisioned_bytes', 'Bytes promised to volumes and snapshots.', (pool) => pool.provisionedBytes],
  ['berth_pool_reserved_bytes', 'Bytes that the config keeps free from volumes.', (pool) => pool.reserveBytes],
  ['berth_pool_free_bytes', 'Bytes that the file system of the pool says are free.', (pool) => pool.freeBytes],
  ['berth_pool_volumes', 'Volumes in the pool.', (pool) => pool.volumes],
  ['berth_pool_snapshots', 'Snapshots in the pool.', (pool) => pool.snapshots],
];

/** Every state is reported, the pool's own with 1, so that an alert can name a state that never came up yet. */
const STATES = Object.keys({
  opening: true,
  ready: true,
  unhealthy: true,
  lost: true,
  foreign: true,
  failed: true,
  closed: true,
} satisfies Record<PoolState, true>);

const LABELS = ['pool', 'class', 'backend'] as const;

export function registerPoolMetrics(registry: Registry, pools: () => readonly PoolStatus[]): void {
  for (const [name, help, value] of FIGURES) {
    new Gauge({
      name,
      help,
      labelNames: LABELS,
      registers: [registry],
      collect() {
        this.reset();
        for (const pool of pools()) this.set(labelsOf(pool), Number(value(pool)));
      },
    });
  }
  new Gauge({
    name: 'berth_pool_state',
    help: 'Whether the pool is in the state.',
    labelNames: [...LABELS, 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const pool of pools()) {
        for (const state of STATES) this.set({ ...labelsOf(pool), state }, pool.state === state ? 1 : 0);
      }
    },
  });
}

const labelsOf = (pool: PoolStatus) => ({ pool: pool.name, class: pool.class, backend: pool.backend });
