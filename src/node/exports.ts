import { join } from 'node:path';
import type { Config } from '../config/index.ts';
import { type NfsServer, serveNfs } from '../nfs/index.ts';
import type { Logger } from '../observe/index.ts';
import { callWithin } from '../volumes/call.ts';
import { parseId } from '../volumes/ids.ts';
import type { Call, Volume, VolumeService } from '../volumes/model.ts';

const CALL_MS = 60_000;
/** Usage is counted by a walk over the files, which is not done more often anyway. */
const LOOK_EVERY_MS = 10_000;
/** A name that a client can mount without quoting. */
const PLAIN_NAME = /^\w[\w.-]{0,254}$/;

export interface Exports {
  /** The service, of which every shared volume is exported from its creation to its end. */
  service: VolumeService;
  readonly nfs: NfsServer;
  /** Exports what is there when the pools are open. */
  exportAll(): Promise<void>;
  close(): Promise<void>;
}

/** Serves the volumes of shared pools by NFS, each as `/NAME`. */
export async function serveExports(
  inner: VolumeService,
  { listen, allow }: NonNullable<Config['nfs']>,
  { stateDir, log }: { stateDir: string; log: Logger },
): Promise<Exports> {
  const nfs = await serveNfs({ stateDir: join(stateDir, 'nfs'), listen, allow, log });
  /** Names of exports by the id of their volume. */
  const exported = new Map<string, string>();

  const add = async (volume: Volume, call: Call): Promise<void> => {
    if (!volume.shared || exported.has(volume.id)) return;
    const { uuid } = parseId(volume.id)!;
    const isFree = PLAIN_NAME.test(volume.name) && ![...exported.values()].includes(volume.name);
    const name = isFree ? volume.name : uuid;
    exported.set(volume.id, name);
    try {
      await nfs.addExport(name, await inner.volumeDirectory(volume.id, call), uuid);
    } catch (error) {
      exported.delete(volume.id);
      throw error;
    }
  };
  const remove = (id: string): void => {
    const name = exported.get(id);
    if (name === undefined) return;
    exported.delete(id);
    nfs.removeExport(name);
  };
  const sharedVolumes = async (): Promise<Volume[]> =>
    (await inner.listVolumes({ token: '', max: 0 }, callWithin(CALL_MS))).items.filter(({ shared }) => shared);
  const addAll = async (): Promise<void> => {
    for (const volume of await sharedVolumes()) {
      await add(volume, callWithin(CALL_MS)).catch((error: Error) =>
        log.warn({ volume: volume.id, problem: error.message }, 'not exported'),
      );
    }
  };

  /** Where nothing else limits a volume, clients can at least not go on when it is found to be full. */
  const limit = async ({ id, sizeBytes }: Volume): Promise<void> => {
    const name = exported.get(id);
    if (name === undefined) return;
    const { bytes } = await inner.volumeUsage(id, callWithin(CALL_MS));
    nfs.setFull(name, bytes.used >= sizeBytes);
  };
  const limitAll = async (): Promise<void> => {
    if (inner.pools().every(({ limitsEnforced }) => limitsEnforced)) return;
    for (const volume of await sharedVolumes()) {
      if (volume.backend === 'directory') await limit(volume).catch(() => {}); // it may be gone by now
    }
  };
  const timer = setInterval(() => void limitAll().catch(() => {}), LOOK_EVERY_MS);
  timer.unref();

  return {
    nfs,
    exportAll: addAll,
    service: {
      ...inner,
      async createVolume(request, call) {
        const volume = await inner.createVolume(request, call);
        await add(volume, call);
        return volume;
      },
      async deleteVolume(id, call) {
        const wasExported = exported.has(id);
        remove(id);
        try {
          await inner.deleteVolume(id, call);
        } catch (error) {
          if (wasExported) await add(await inner.getVolume(id, call), call).catch(() => {}); // the first error tells more
          throw error;
        }
      },
    },
    async close() {
      clearInterval(timer);
      await nfs.close();
    },
  };
}
