import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { serveWork } from './agent.ts';
import { type Grpc, openGrpc } from './grpc.ts';

/** Callers of a CSI socket, in a process of their own. */
export type LoadWork = ReturnType<typeof createLoad>;

export interface Timed {
  seconds: number;
  /** Of each call, in ms. */
  latencies: number[];
}

const POLL_MS = 5;
const READY_WITHIN_MS = 60_000;

function createLoad() {
  let grpc: Grpc;

  /** `callers` at a time do the next of `count` pieces of work until none is left. */
  const drive = async (callers: number, count: number, work: (index: number) => Promise<unknown>): Promise<Timed> => {
    const latencies: number[] = [];
    let next = 0;
    const caller = async (): Promise<void> => {
      while (next < count) {
        const index = next++;
        const startedAt = performance.now();
        await work(index);
        latencies.push(performance.now() - startedAt);
      }
    };
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: callers }, caller));
    return { seconds: (performance.now() - startedAt) / 1_000, latencies };
  };

  const capabilityOf = (fsType: string) => ({
    mount: { fs_type: fsType },
    access_mode: { mode: 'SINGLE_NODE_WRITER' },
  });

  const create = async (wanted: { poolClass: string; sizeBytes: number; fsType?: string }): Promise<string> => {
    const { volume } = await grpc.call<{ volume: { volume_id: string } }>('CreateVolume', {
      name: `pvc-${randomUUID()}`,
      capacity_range: { required_bytes: String(wanted.sizeBytes) },
      volume_capabilities: [capabilityOf(wanted.fsType ?? '')],
      parameters: { poolClass: wanted.poolClass },
    });
    return volume.volume_id;
  };

  return {
    /**
     * Waits until a daemon on `socket` says that it is ready and answers a first page of ListVolumes. The time then, in
     * ms since 1970, with fractions.
     */
    async connect({ socket }: { socket: string }): Promise<number> {
      const giveUpAt = Date.now() + READY_WITHIN_MS;
      for (;;) {
        const attempt = openGrpc(socket);
        try {
          while (!(await attempt.call<{ ready: { value: boolean } }>('Probe', {})).ready.value) await delay(POLL_MS);
          await attempt.call('ListVolumes', { max_entries: 100 });
          const at = performance.timeOrigin + performance.now();
          grpc = attempt;
          return at;
        } catch (error) {
          attempt.close();
          if (Date.now() > giveUpAt) throw error;
          await delay(POLL_MS);
        }
      }
    },
    disconnect: (): void => grpc.close(),

    call: ({ rpc, request }: { rpc: string; request: object }): Promise<Record<string, unknown>> =>
      grpc.call(rpc, request),

    createOne: create,
    /** Creates `count` volumes with `callers` at once; their ids too when `keep` says so. */
    async create(wanted: {
      callers: number;
      count: number;
      poolClass: string;
      sizeBytes: number;
    }): Promise<Timed & { ids: string[] }> {
      const ids: string[] = [];
      const timed = await drive(wanted.callers, wanted.count, async () => ids.push(await create(wanted)));
      return { ...timed, ids };
    },
    remove: ({ ids, callers }: { ids: string[]; callers: number }): Promise<Timed> =>
      drive(callers, ids.length, (index) => grpc.call('DeleteVolume', { volume_id: ids[index] })),
    /** Publishes and unpublishes staged volumes, one after the other; what each pair took. */
    publish: (staged: {
      volumes: { id: string; stagingPath: string; targetPath: string }[];
      fsType: string;
    }): Promise<Timed> =>
      drive(1, staged.volumes.length, async (index) => {
        const { id, stagingPath, targetPath } = staged.volumes[index]!;
        await grpc.call('NodePublishVolume', {
          volume_id: id,
          staging_target_path: stagingPath,
          target_path: targetPath,
          volume_capability: capabilityOf(staged.fsType),
        });
        await grpc.call('NodeUnpublishVolume', { volume_id: id, target_path: targetPath });
      }),
    stage: ({ id, stagingPath, fsType }: { id: string; stagingPath: string; fsType: string }): Promise<unknown> =>
      grpc.call('NodeStageVolume', {
        volume_id: id,
        staging_target_path: stagingPath,
        volume_capability: capabilityOf(fsType),
      }),
    /** Takes a snapshot, deletes it, and tells how long the taking took, in ms. */
    async snapshot({ sourceId }: { sourceId: string }): Promise<number> {
      const startedAt = performance.now();
      const { snapshot } = await grpc.call<{ snapshot: { snapshot_id: string } }>('CreateSnapshot', {
        name: `snap-${randomUUID()}`,
        source_volume_id: sourceId,
      });
      const took = performance.now() - startedAt;
      await grpc.call('DeleteSnapshot', { snapshot_id: snapshot.snapshot_id });
      return took;
    },
  };
}

if (import.meta.main) serveWork(createLoad());
