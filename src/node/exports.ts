import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../config/index.ts';
import { type NfsServer, serveNfs } from '../nfs/index.ts';
import type { Logger } from '../observe/index.ts';
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
  const each = async (act: (volume: Volume) => Promise<void>): Promise<void> => {
    for (let token = ''; ; ) {
      const { items, next } = await inner.listVolumes({ token, max: 0 }, newCall());
      for (const volume of items) {
        await act(volume).catch((error: Error) =>
          log.warn({ volume: volume.id, problem: error.message }, 'not exported'),
        );
      }
      if (next === undefined) return;
      token = next;
    }
  };

  /** Where nothing else limits a volume, clients can at least not go on when it is found to be full. */
  const limit = async (volume: Volume): Promise<void> => {
    const name = exported.get(volume.id);
    if (name === undefined || volume.backend !== 'directory') return;
    const { bytes } = await inner.volumeUsage(volume.id, newCall());
    nfs.setFull(name, bytes.used >= volume.sizeBytes);
  };
  const timer = setInterval(() => void each(limit).catch(() => {}), LOOK_EVERY_MS);
  timer.unref();

  return {
    nfs,
    exportAll: () => each((volume) => add(volume, newCall())),
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

const newCall = (): Call => ({ deadline: Date.now() + CALL_MS, requestId: randomUUID() });
