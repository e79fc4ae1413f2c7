import { BerthError } from '../../errors.ts';
import type { Access, Call, CreateVolume } from '../../volumes/model.ts';
import type { AdminBackend } from '../backend.ts';
import { required, sizeOf } from '../handler.ts';
import { createMounts } from '../mounts.ts';
import { encodeSnapshot, encodeUsage, encodeVolume } from '../wire/volumes.ts';

const PAGE_SIZE = 500;
/** CSI 1.13: strings are at most 128 bytes, names have no control characters; the same holds here. */
const NAME_MAX_BYTES = 128;
const CONTROL = /[\p{Cc}]/u;

interface PageRequest {
  max: number;
  page_token: string;
}

export interface CreateVolumeRequest {
  name: string;
  size_bytes: string;
  pool_class: string;
  block: boolean;
  fs_type: string;
  thin: boolean;
  nodatacow: boolean;
  source: { kind: string; id: string } | null;
}

export function volumeMethods({ service, stagingDir }: AdminBackend) {
  const mounts = createMounts(service, stagingDir);
  const pageOf = ({ max, page_token }: PageRequest) => ({ token: page_token, max: max > 0 ? max : PAGE_SIZE });

  return {
    async ListVolumes(request: PageRequest, call: Call) {
      const page = await service.listVolumes(pageOf(request), call);
      return { volumes: page.items.map(encodeVolume), next_page_token: page.next ?? '' };
    },

    async GetVolume({ id }: { id: string }, call: Call) {
      return encodeVolume(await service.getVolume(required('id', id), call));
    },

    async CreateVolume(request: CreateVolumeRequest, call: Call) {
      return encodeVolume(await service.createVolume(toCreateVolume(request), call));
    },

    async DeleteVolume({ id }: { id: string }, call: Call) {
      await service.deleteVolume(required('id', id), call);
      return {};
    },

    async ExpandVolume(request: { id: string; size_bytes: string }, call: Call) {
      const volume = await service.getVolume(required('id', request.id), call);
      const size = { requiredBytes: sizeOf('size_bytes', request.size_bytes), limitBytes: 0n };
      const { nodeExpansion } = await service.expandVolume({ id: volume.id, size }, call);
      const path = volume.mounts[0]?.path;
      if (nodeExpansion && path !== undefined) await service.expandNode({ id: volume.id, path, size }, call);
      return encodeVolume(await service.getVolume(volume.id, call));
    },

    async CheckVolume({ id }: { id: string }, call: Call) {
      const volume = await service.getVolume(required('id', id), call);
      const usage = await service.volumeUsage(id, call);
      return {
        volume: encodeVolume(volume),
        bytes: encodeUsage(usage.bytes),
        inodes: usage.inodes === undefined ? null : encodeUsage(usage.inodes),
        problems: await service.volumeHealth(id, call),
      };
    },

    async ListSnapshots(request: PageRequest & { source_volume_id: string }, call: Call) {
      const sourceVolumeId = request.source_volume_id || undefined;
      const page = await service.listSnapshots({ sourceVolumeId, ...pageOf(request) }, call);
      return { snapshots: page.items.map(encodeSnapshot), next_page_token: page.next ?? '' };
    },

    async CreateSnapshot({ name, source_volume_id }: { name: string; source_volume_id: string }, call: Call) {
      const sourceVolumeId = required('source_volume_id', source_volume_id);
      return encodeSnapshot(await service.createSnapshot({ name: checkName(name), sourceVolumeId }, call));
    },

    async DeleteSnapshot({ id }: { id: string }, call: Call) {
      await service.deleteSnapshot(required('id', id), call);
      return {};
    },

    async MountVolume(request: { id: string; path: string; read_only: boolean; mount_options: string[] }, call: Call) {
      const { path, read_only: readOnly, mount_options: mountOptions } = request;
      return encodeVolume(await mounts.mount({ id: required('id', request.id), path, readOnly, mountOptions }, call));
    },

    async UnmountVolume({ id, path }: { id: string; path: string }, call: Call) {
      return encodeVolume(await mounts.unmount({ id: required('id', id), path }, call));
    },
  };
}

function toCreateVolume(request: CreateVolumeRequest): CreateVolume {
  const { thin, nodatacow, source } = request;
  const access: Access = request.block
    ? { kind: 'block' }
    : { kind: 'mount', fsType: request.fs_type, mountOptions: [] };
  if (request.block && request.fs_type !== '') {
    throw new BerthError('FIELD_INVALID', { field: 'fs_type', problem: 'a raw block volume has no file system' });
  }
  return {
    name: checkName(request.name),
    size: { requiredBytes: sizeOf('size_bytes', request.size_bytes), limitBytes: 0n },
    capabilities: [{ access, mode: 'SINGLE_NODE_MULTI_WRITER' }],
    parameters: { poolClass: request.pool_class || undefined, thin, nodatacow },
    ioLimits: {},
    source: source === null ? undefined : { kind: sourceKind(source.kind), id: required('source.id', source.id) },
  };
}

function sourceKind(kind: string): 'snapshot' | 'volume' {
  if (kind === 'snapshot' || kind === 'volume') return kind;
  throw new BerthError('FIELD_INVALID', { field: 'source.kind', problem: `${kind} is neither snapshot nor volume` });
}

function checkName(name: string): string {
  required('name', name);
  if (Buffer.byteLength(name) > NAME_MAX_BYTES || CONTROL.test(name)) {
    const problem = `must have at most ${NAME_MAX_BYTES} bytes and no control characters`;
    throw new BerthError('FIELD_INVALID', { field: 'name', problem });
  }
  return name;
}

export type VolumeMethods = ReturnType<typeof volumeMethods>;
