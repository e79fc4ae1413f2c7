import { BerthError } from '../errors.ts';
import { isMountFlag } from '../host/mount.ts';
import {
  bindNfs,
  measureNfs,
  mountNfs,
  NfsMountError,
  nfsMountAt,
  nfsMountsOf,
  shareWithGroup,
  unbindNfs,
  unmountNfs,
} from '../host/nfs-mount.ts';
import type { Logger } from '../observe/index.ts';
import { makeTarget, removeTarget } from '../pools/operations/publish.ts';
import { parseId } from '../volumes/ids.ts';
import type { Capability, ShareUse, VolumeService } from '../volumes/model.ts';
import type { LocalUse } from './exports.ts';

type NodeCalls = Pick<
  VolumeService,
  'stageVolume' | 'unstageVolume' | 'publishVolume' | 'unpublishVolume' | 'volumeStats' | 'volumeHealth'
>;

/**
 * Mounts shared volumes: directly on their own node as long as no other uses them, else by NFS, and never both at once, since
 * a client would not see what is written past it. The choice is made when a volume is staged, so for all pods of the node.
 */
export function mountShares(inner: VolumeService, local: LocalUse, log: Logger): NodeCalls {
  const nfsAt = (id: string, path: string) => {
    const { uuid } = parseId(id) ?? {};
    return uuid === undefined ? undefined : nfsMountAt(path, uuid);
  };

  const mount = async (id: string, share: ShareUse, path: string, capability: Capability): Promise<void> => {
    const { address, port } = share;
    try {
      await mountNfs(share, path, flagsOf(capability));
    } catch (error) {
      if (!(error instanceof NfsMountError)) throw error;
      const { problem, message } = error;
      if (problem === 'NO_CLIENT') throw new BerthError('NFS_CLIENT_MISSING', { id, address }, { cause: error });
      if (problem === 'REFUSED') throw new BerthError('SHARE_TAKEN', { id, address }, { cause: error });
      throw new BerthError(
        'SHARE_UNREACHABLE',
        { id, address: `${address}:${port}`, problem: message },
        { cause: error },
      );
    }
  };

  const unmount = async (id: string, path: string, act: (path: string) => Promise<void>): Promise<void> => {
    try {
      await act(path);
    } catch (error) {
      if (nfsAt(id, path) === undefined) return;
      throw new BerthError('VOLUME_IN_USE', { id, users: `processes in ${path}` }, { cause: error });
    }
  };

  return {
    async stageVolume(request, call) {
      const { id, stagingPath, capability, share } = request;
      if (share === undefined) return inner.stageVolume(request, call);
      if (nfsAt(id, stagingPath) !== undefined) return;
      if (!local.has(id)) return mount(id, share, stagingPath, capability);
      if (await local.isUsedHere(id, call)) return inner.stageVolume(request, call);

      if (share.always) {
        try {
          return await mount(id, share, stagingPath, capability);
        } catch (error) {
          if (!(error instanceof BerthError && error.code === 'NFS_CLIENT_MISSING')) throw error;
          log.warn({ volume: id }, 'used directly, since the kernel has no NFS client: other nodes must wait');
        }
      }
      if (!local.begin(id)) return mount(id, share, stagingPath, capability);
      try {
        await inner.stageVolume(request, call);
      } catch (error) {
        await local.end(id, call);
        throw error;
      }
    },

    async unstageVolume(request, call) {
      const { id, stagingPath } = request;
      if (nfsAt(id, stagingPath) !== undefined) return unmount(id, stagingPath, unmountNfs);
      await inner.unstageVolume(request, call);
      if (local.has(id)) await local.end(id, call);
    },

    async publishVolume(request, call) {
      const { id, stagingPath, targetPath, capability, readOnly } = request;
      if (nfsAt(id, stagingPath) === undefined) return inner.publishVolume(request, call);
      if (nfsAt(id, targetPath) !== undefined) return;
      const made = makeTarget(targetPath, 'mount');
      try {
        const group = capability.access.kind === 'mount' ? capability.access.group : undefined;
        if (group !== undefined && !readOnly) await shareWithGroup(stagingPath, group);
        await bindNfs(stagingPath, targetPath, [...flagsOf(capability), ...(readOnly ? ['ro'] : [])]);
      } catch (error) {
        if (made) removeTarget(targetPath);
        throw error;
      }
    },

    async unpublishVolume(request, call) {
      const { id, targetPath } = request;
      if (nfsAt(id, targetPath) === undefined) return inner.unpublishVolume(request, call);
      while (nfsAt(id, targetPath) !== undefined) await unmount(id, targetPath, unbindNfs);
      removeTarget(targetPath);
    },

    async volumeStats(request, call) {
      if (nfsAt(request.id, request.path) === undefined) return inner.volumeStats(request, call);
      const { blockBytes, blocks, available, inodes, freeInodes } = await measureNfs(request.path);
      return {
        bytes: {
          total: blocks * blockBytes,
          used: (blocks - available) * blockBytes,
          available: available * blockBytes,
        },
        inodes: { total: inodes, used: inodes - freeInodes, available: freeInodes },
      };
    },

    async volumeHealth(id, call) {
      const [mounted] = local.has(id) ? [] : nfsMountsOf(parseId(id)?.uuid ?? '');
      if (mounted === undefined) return inner.volumeHealth(id, call);
      try {
        await measureNfs(mounted.mountPoint);
        return [];
      } catch {
        const message = `${mounted.source} does not answer`;
        return [{ status: 'INACCESSIBLE', reason: 'ShareUnreachable', message }];
      }
    },
  };
}

const flagsOf = ({ access }: Capability): string[] =>
  access.kind === 'mount' ? access.mountOptions.filter(isMountFlag) : [];
