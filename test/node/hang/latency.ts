import type { Daemon } from '../../helpers/daemon.ts';
import type { Kubelet } from '../../helpers/kubelet.ts';

/** Milliseconds that calls took, by kind. */
export interface Samples {
  create: number[];
  publish: number[];
}

/** Small, since the space of deleted ones comes back in its own time. */
const SIZE_BYTES = 1n << 20n;

let count = 0;

/** What a pool's callers see: creates one after the other, and a pod's volume that comes and goes. */
export async function sampleCalls(kubelet: Kubelet, poolClass: string, rounds: number): Promise<Samples> {
  const samples: Samples = { create: [], publish: [] };
  for (let round = 0; round < rounds; round++) {
    const createdAt = performance.now();
    const volumeId = await kubelet.create(`sample-${++count}`, { poolClass, sizeBytes: SIZE_BYTES });
    samples.create.push(performance.now() - createdAt);
    samples.publish.push(await timed(() => kubelet.publish(volumeId)));
    await kubelet.unpublish(volumeId);
    await kubelet.remove(volumeId);
  }
  return samples;
}

export async function timed(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return performance.now() - startedAt;
}

export function p99(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.99) - 1]!;
}

/** The state of a pool as `berth pool list` tells it. */
export async function stateOf(daemon: Daemon, name: string): Promise<{ state: string; reason: string | undefined }> {
  const pool = (await daemon.admin.listPools()).find((one) => one.name === name)!;
  return { state: pool.state, reason: pool.reason };
}
