import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bed } from '../../cluster/bed.ts';
import { NAMESPACE } from '../../cluster/berth.ts';
import { LOCAL_PATH_USER } from './local-path.ts';
import { STANDING } from './variants.ts';

const AFTERMATH_MS = 3_000;

/** Who asks the API server. The administrator, which is the benchmark, is not counted. */
const ASKERS = {
  driver: (user: string) => user.startsWith(`system:serviceaccount:${NAMESPACE}:`) || user === LOCAL_PATH_USER,
  scheduler: (user: string) => user === 'system:kube-scheduler',
  controllers: (user: string) => /^system:(kube-controller-manager$|serviceaccount:kube-system:)/.test(user),
  kubelets: (user: string) => user.startsWith('system:node:'),
};
export type Asker = keyof typeof ASKERS;
export const ALL_ASKERS = Object.keys(ASKERS) as Asker[];

/** Requests by asker, and by asker, verb and resource. */
export interface Requests {
  by: Record<Asker, number>;
  detail: Map<string, number>;
}

interface AuditEvent {
  verb: string;
  user: { username: string };
  objectRef?: { resource: string; subresource?: string; name?: string };
}

/** Begins to count; what it gives ends the count some seconds later, when what still follows has been asked. */
export function countRequests({ folder }: Bed): () => Promise<Requests> {
  const file = join(folder, 'node1/log/audit.log');
  const start = statSync(file).size;
  return async () => {
    await delay(AFTERMATH_MS);
    return read(file, start);
  };
}

function read(file: string, start: number): Requests {
  const by: Record<Asker, number> = { driver: 0, scheduler: 0, controllers: 0, kubelets: 0 };
  const detail = new Map<string, number>();
  const text = readFileSync(file).subarray(start).toString();
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    if (line === '') continue;
    const event = JSON.parse(line) as AuditEvent;
    const asker = ALL_ASKERS.find((name) => ASKERS[name](event.user.username));
    if (asker === undefined || !counts(event)) continue;
    by[asker]++;
    const { resource = '', subresource = '' } = event.objectRef ?? {};
    const key = `${asker} ${event.verb} ${resource}${subresource && `/${subresource}`}`;
    detail.set(key, (detail.get(key) ?? 0) + 1);
  }
  return { by, detail };
}

const BY_THE_CLOCK = ['leases', 'nodes', 'serviceaccounts', 'tokenreviews', 'csinodes'];

/** Not what comes by the clock, whatever else happens: leases, a node's own status, tokens, discovery, what stands. */
const counts = ({ objectRef }: AuditEvent): boolean =>
  objectRef !== undefined && !BY_THE_CLOCK.includes(objectRef.resource) && !objectRef.name?.startsWith(STANDING);
