import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { decodePool } from '../rpc/pool-message.ts';
import { loadProto, serviceOf } from '../rpc/proto.ts';
import type { HealthProblem, Job, PoolStatus, Snapshot, Usage, Volume } from '../volumes/model.ts';
import type { JobList, JobMethods, WatchJobsRequest } from './methods/jobs.ts';
import type { AdoptDiskRequest, NodeMethods } from './methods/node.ts';
import type { CreateVolumeRequest, VolumeMethods } from './methods/volumes.ts';
import { fromServiceError } from './request-error.ts';
import { type DiskView, type DriveFacts, decodeDisk, decodeFacts } from './wire/disks.ts';
import { decodeJob } from './wire/jobs.ts';
import { decodeSnapshot, decodeUsage, decodeVolume } from './wire/volumes.ts';

type Methods = NodeMethods & VolumeMethods & JobMethods;
type RequestOf<M extends keyof Methods> = Parameters<Methods[M]>[0];
type ResponseOf<M extends keyof Methods> = Awaited<ReturnType<Methods[M]>>;

/** The daemon's own state, with its pools. Times are in ms since 1970. */
export type NodeStatus = Omit<ResponseOf<'Status'>, 'started_at_ms' | 'pools'> & {
  startedAt: number;
  pools: PoolStatus[];
};

export interface DiskExplanation {
  disk: DiskView;
  /** Every reason with advice, as text of several lines. */
  explanation: string;
  facts: DriveFacts;
}

export interface VolumeCheck {
  volume: Volume;
  usage: Usage;
  problems: HealthProblem[];
}

/** The admin socket, seen from the command line. Every method rejects with RequestError or BerthError. */
export type AdminClient = ReturnType<typeof connectAdmin>;

export function connectAdmin({ socket, timeoutMs }: { socket: string; timeoutMs: number }) {
  const service = serviceOf(loadProto('berth/v1/admin.proto'), 'berth.v1.Admin');
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.enable_retries': 0,
  });
  const toError = (error: ServiceError) => fromServiceError(error, socket, timeoutMs);

  function call<M extends keyof Methods>(method: M, request: RequestOf<M>): Promise<ResponseOf<M>> {
    const { path, requestSerialize, responseDeserialize } = service[method]!;
    const deadline = Date.now() + timeoutMs;
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, (error, response) =>
        error ? reject(toError(error)) : resolve(response as ResponseOf<M>),
      );
    });
  }

  return {
    async status(): Promise<NodeStatus> {
      const { started_at_ms, pools, ...rest } = await call('Status', {});
      return { ...rest, startedAt: Number(started_at_ms), pools: pools.map(decodePool) };
    },

    listPools: async () => (await call('ListPools', {})).pools.map(decodePool),
    forgetPool: async (pool: string): Promise<void> => void (await call('ForgetPool', { pool })),
    importPool: async (pool: string) => decodePool(await call('ImportPool', { pool })),

    listDisks: async (): Promise<DiskView[]> => (await call('ListDisks', {})).disks.map(decodeDisk),
    async explainDisk(id: string): Promise<DiskExplanation> {
      const { disk, explanation, facts } = await call('ExplainDisk', { id });
      return { disk: decodeDisk(disk), explanation, facts: decodeFacts(facts) };
    },
    adoptDisk: async (request: AdoptDiskRequest) => decodePool(await call('AdoptDisk', request)),

    /** All of them, however many pages that takes. */
    listVolumes: () =>
      everyPage(async (page_token) => {
        const { volumes, next_page_token } = await call('ListVolumes', { max: 0, page_token });
        return { items: volumes.map(decodeVolume), next: next_page_token };
      }),
    getVolume: async (id: string) => decodeVolume(await call('GetVolume', { id })),
    createVolume: async (request: CreateVolumeRequest) => decodeVolume(await call('CreateVolume', request)),
    deleteVolume: async (id: string): Promise<void> => void (await call('DeleteVolume', { id })),
    expandVolume: async (id: string, sizeBytes: bigint) =>
      decodeVolume(await call('ExpandVolume', { id, size_bytes: String(sizeBytes) })),
    async checkVolume(id: string): Promise<VolumeCheck> {
      const { volume, bytes, inodes, problems } = await call('CheckVolume', { id });
      const usage = { bytes: decodeUsage(bytes), inodes: inodes === null ? undefined : decodeUsage(inodes) };
      return { volume: decodeVolume(volume), usage, problems };
    },

    listSnapshots: (sourceVolumeId = ''): Promise<Snapshot[]> =>
      everyPage(async (page_token) => {
        const request = { max: 0, page_token, source_volume_id: sourceVolumeId };
        const { snapshots, next_page_token } = await call('ListSnapshots', request);
        return { items: snapshots.map(decodeSnapshot), next: next_page_token };
      }),
    createSnapshot: async (sourceVolumeId: string, name: string) =>
      decodeSnapshot(await call('CreateSnapshot', { source_volume_id: sourceVolumeId, name })),
    deleteSnapshot: async (id: string): Promise<void> => void (await call('DeleteSnapshot', { id })),

    mountVolume: async (request: { id: string; path: string; readOnly: boolean; mountOptions: string[] }) => {
      const { id, path, readOnly: read_only, mountOptions: mount_options } = request;
      return decodeVolume(await call('MountVolume', { id, path, read_only, mount_options }));
    },
    unmountVolume: async (id: string, path: string) => decodeVolume(await call('UnmountVolume', { id, path })),

    listJobs: async () => (await call('ListJobs', {})).jobs.map(decodeJob),
    cancelJob: async (id: string): Promise<void> => void (await call('CancelJob', { id })),
    /** Calls `onJobs` at once and after each change; resolves when the daemon ends the stream or `signal` aborts. */
    watchJobs(request: WatchJobsRequest, onJobs: (jobs: Job[]) => void, signal?: AbortSignal): Promise<void> {
      const { path, requestSerialize, responseDeserialize } = service['WatchJobs']!;
      const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
      signal?.addEventListener('abort', () => stream.cancel(), { once: true });
      return new Promise((resolve, reject) => {
        stream.on('data', (list: object) => onJobs((list as JobList).jobs.map(decodeJob)));
        stream.on('end', resolve);
        stream.on('error', (error: ServiceError) => (signal?.aborted ? resolve() : reject(toError(error))));
      });
    },

    close: (): void => client.close(),
  };
}

async function everyPage<T>(pageAt: (token: string) => Promise<{ items: T[]; next: string }>): Promise<T[]> {
  const items: T[] = [];
  let token = '';
  do {
    const page = await pageAt(token);
    items.push(...page.items);
    token = page.next;
  } while (token !== '');
  return items;
}
