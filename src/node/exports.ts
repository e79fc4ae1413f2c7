import { join } from 'node:path';
import type { Config } from '../config/index.ts';
import { BerthError } from '../errors.ts';
import { type NfsServer, serveNfs } from '../nfs/index.ts';
import type { Logger } from '../observe/index.ts';
import { callWithin } from '../volumes/call.ts';
import { parseId } from '../volumes/ids.ts';
import { type Call, SHARE_NAME, type Volume, type VolumeService } from '../volumes/model.ts';

const CALL_MS = 60_000;
/** Usage is counted by a walk over the files, which is not done more often anyway. */
const LOOK_EVERY_MS = 10_000;
/** The use of volumes on this node, their own, past NFS. */
export interface LocalUse {
  /** Whether it is a volume of this node that is shared. */
  has(id: string): boolean;
  isUsedHere(id: string, call: Call): Promise<boolean>;
  /** Keeps clients of NFS away; false when there are some. Throws SHARE_IN_GRACE when that is not known yet. */
  begin(id: string): boolean;
  /** Lets them in again unless it is mounted still. */
  end(id: string, call: Call): Promise<void>;
}

export interface Exports {
  /** The service, of which every shared volume is exported from its creation to its end. */
  service: VolumeService;
  readonly local: LocalUse;
  readonly nfs: NfsServer;
  /** Exports what is there when the pools are open. */
  exportAll(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Serves the volumes of shared pools by NFS: for people each as `/NAME`, for other nodes, which reach it at `address`, as
 * `/UUID`.
 */
export async function serveExports(
  inner: VolumeService,
  { listen, allow }: NonNullable<Config['nfs']>,
  { address, stateDir, log }: { address: string | undefined; stateDir: string; log: Logger },
): Promise<Exports> {
  const nfs = await serveNfs({ stateDir: join(stateDir, 'nfs'), listen, allow, log, awaitsExports: true });
  /** Names of exports by the id of their volume. */
  const exported = new Map<string, string>();

  const isUsedHere = async (id: string, call: Call): Promise<boolean> =>
    (await inner.getVolume(id, call)).mounts.length > 0;
  const withShare = (volume: Volume): Volume => {
    const name = exported.get(volume.id);
    return address === undefined || name === undefined
      ? volume
      : { ...volume, share: { address, port: nfs.port, name } };
  };
  const add = async (volume: Volume, call: Call): Promise<void> => {
    if (!volume.shared || exported.has(volume.id)) return;
    const { uuid } = parseId(volume.id)!;
    const isFree = SHARE_NAME.test(volume.name) && ![...exported.values()].includes(volume.name);
    const name = isFree && address === undefined ? volume.name : uuid;
    exported.set(volume.id, name);
    try {
      await nfs.addExport(name, await inner.volumeDirectory(volume.id, call), uuid);
      if (address !== undefined && volume.mounts.length > 0) nfs.useLocally(name);
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
    async exportAll() {
      for (const volume of await sharedVolumes()) {
        await add(volume, callWithin(CALL_MS)).catch((error: Error) =>
          log.warn({ volume: volume.id, problem: error.message }, 'not exported'),
        );
      }
      nfs.exportsAreThere();
    },
    local: {
      has: (id) => exported.has(id),
      isUsedHere,
      begin(id) {
        if (nfs.isInGrace) throw new BerthError('SHARE_IN_GRACE', { id });
        return nfs.useLocally(exported.get(id)!);
      },
      async end(id, call) {
        if (!(await isUsedHere(id, call))) nfs.endLocalUse(exported.get(id)!);
      },
    },
    service: {
      ...inner,
      async createVolume(request, call) {
        const volume = await inner.createVolume(request, call);
        await add(volume, call);
        return withShare(volume);
      },
      getVolume: async (id, call) => withShare(await inner.getVolume(id, call)),
      async listVolumes(page, call) {
        const { items, next } = await inner.listVolumes(page, call);
        return { items: items.map(withShare), next };
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
