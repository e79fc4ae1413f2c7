import { explainDisk } from '../../disks/index.ts';
import { BerthError } from '../../errors.ts';
import { encodePool } from '../../rpc/pool-message.ts';
import type { Backend, Call } from '../../volumes/model.ts';
import type { AdminBackend } from '../backend.ts';
import { required } from '../handler.ts';
import { encodeDisk, encodeFacts } from '../wire/disks.ts';

const JOBS_LIMIT_MS = 1_000;

export interface AdoptDiskRequest {
  id: string;
  digest: string;
  pool: string;
  class: string;
  backend: string;
}

export function nodeMethods({ service, disks, status, adoptDisk, importPool, forgetPool }: AdminBackend) {
  return {
    async Status(_: object, call: Call) {
      const { node, ...daemon } = status();
      // A pool that hangs must not keep anybody from seeing that it does.
      const soon = { ...call, deadline: Math.min(call.deadline, Date.now() + JOBS_LIMIT_MS) };
      const jobs = await service.jobs(soon).catch(() => []);
      return {
        version: daemon.version,
        mode: daemon.mode as string,
        node: node.name,
        zone: node.zone ?? '',
        region: node.region ?? '',
        started_at_ms: String(daemon.startedAt),
        csi_socket: daemon.csiSocket,
        http_listen: daemon.httpListen,
        ready: daemon.ready,
        problems: daemon.problems,
        running_jobs: jobs.filter((job) => job.state === 'running').length,
        pools: service.pools().map(encodePool),
      };
    },

    async ListPools(_: object, __: Call) {
      return { pools: service.pools().map(encodePool) };
    },

    async ImportPool({ pool }: { pool: string }, call: Call) {
      return encodePool(await importPool({ pool: required('pool', pool) }, call));
    },

    async ForgetPool({ pool }: { pool: string }, call: Call) {
      await forgetPool({ pool: required('pool', pool) }, call);
      return {};
    },

    async ListDisks(_: object, __: Call) {
      return { disks: (await disks.list()).map(encodeDisk) };
    },

    async ExplainDisk({ id }: { id: string }, _: Call) {
      const [disk, facts] = await Promise.all([disks.explain(required('id', id)), disks.facts()]);
      return { disk: encodeDisk(disk), explanation: explainDisk(disk), facts: encodeFacts(facts.get(disk.path) ?? {}) };
    },

    async AdoptDisk(request: AdoptDiskRequest, call: Call) {
      const adopted = await adoptDisk(
        {
          disk: required('id', request.id),
          digest: required('digest', request.digest),
          pool: label('pool', request.pool),
          class: label('class', request.class),
          backend: backendOf(request.backend),
        },
        call,
      );
      return encodePool(adopted);
    },
  };
}

/** Pool and class names are DNS labels, here as in the config. */
function label(field: string, value: string): string {
  required(field, value);
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) {
    const problem = `${value} is not made of at most 63 lower-case letters, digits and inner hyphens`;
    throw new BerthError('FIELD_INVALID', { field, problem });
  }
  return value;
}

function backendOf(value: string): Backend {
  if (value === 'btrfs' || value === 'image') return value;
  throw new BerthError('FIELD_INVALID', { field: 'backend', problem: `${value} is neither btrfs nor image` });
}

export type NodeMethods = ReturnType<typeof nodeMethods>;
