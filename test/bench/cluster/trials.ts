import type { Bed } from '../../cluster/bed.ts';
import { podOf, shell } from '../../cluster/pods.ts';
import { claimOf } from '../../cluster/storage.ts';
import { until } from '../../helpers/until.ts';
import { median } from '../measure.ts';
import { countRequests, type Requests } from './requests.ts';
import { claimOn, type Provisioner, SET, STANDING, setOf, type Variant } from './variants.ts';
import { allHad, bindTimes } from './volumes.ts';
import { type Watch, watch } from './watch.ts';

const LIMIT_MS = 600_000;
const READY = '.status.conditions[?(@.type=="Ready")].status';
const PHASE = '.status.phase';

/** All in ms. */
export interface SetTimes {
  /** From `kubectl apply` until the last replica is Ready. */
  readyMs: number;
  /** Until the last claim is bound; 0 without claims. */
  boundMs: number;
  /** From a claim's creation until it is bound: the middle of all. */
  bindMs: number;
  requests: Requests;
}

export interface ClaimTimes {
  /** Made one after the other: from the creation of one until it is bound, the middle. */
  aloneMs: number;
  /** The same of those made at once. */
  togetherMs: number;
  /** From `kubectl apply` of those made at once until the last is bound. */
  allMs: number;
  made: Requests;
  removed: Requests;
}

export interface Trials {
  /** A StatefulSet from its manifest until all replicas are Ready; it stays. */
  startSet(variant: Variant, replicas: number): Promise<SetTimes>;
  removeSet(): Promise<void>;
  /** Claims without pods, spread over the nodes: `alone` one after the other, `together` at once. */
  claims(provisioner: Provisioner, counts: { alone: number; together: number }): Promise<ClaimTimes>;
}

export async function prepareTrials(bed: Bed): Promise<Trials> {
  const { kubectl, nodes } = bed;
  await kubectl.apply(
    podOf(STANDING, shell('exit'), { schedulingGates: [{ name: 'berth.dev/never' }] }),
    claimOf(STANDING, { storageClass: 'none', size: '1Mi' }),
  );

  const watching = async <T>(kinds: Record<string, string>, work: (watches: Watch[]) => Promise<T>): Promise<T> => {
    const watches: Watch[] = [];
    try {
      for (const [kind, path] of Object.entries(kinds)) watches.push(await watch(kind, STANDING, path));
      return await work(watches);
    } finally {
      for (const { stop } of watches) stop();
    }
  };

  /** Nothing but what stands is left, no helper pod either. */
  const allGone = (): Promise<void> =>
    until(
      'pods, claims and volumes are gone',
      async () => {
        const listed = await kubectl.run('get', 'pods,pvc,pv', '-A', '-o', 'name');
        const kept = /\/(standing|berth-(node|controller)-.*|local-path-provisioner-.*)$/;
        return listed.split('\n').every((name) => name === '' || kept.test(name));
      },
      LIMIT_MS,
    );

  async function startSet(variant: Variant, replicas: number): Promise<SetTimes> {
    return watching({ pods: READY, pvc: PHASE }, async ([pods, claims]) => {
      const requests = countRequests(bed);
      const start = performance.now();
      await kubectl.apply(setOf(variant, replicas));
      const ready = await comes(`${replicas} replicas with ${variant} are Ready`, () =>
        allHad(pods!.sights, 'True', replicas),
      );
      const bound =
        variant === 'emptyDir' ? start : await comes('all are bound', () => allHad(claims!.sights, 'Bound', replicas));
      return {
        readyMs: ready - start,
        boundMs: bound - start,
        bindMs: median(bindTimes(claims!.sights)),
        requests: await requests(),
      };
    });
  }

  async function removeSet(): Promise<void> {
    await kubectl.remove('statefulset', SET);
    await removeClaims();
  }

  async function claims(provisioner: Provisioner, counts: { alone: number; together: number }): Promise<ClaimTimes> {
    const make = (index: number, prefix: string): object =>
      claimOn(`${prefix}-${index}`, nodes[index % nodes.length]!, provisioner);
    const aloneMs = await watching({ pvc: PHASE }, async ([watched]) => {
      for (let index = 0; index < counts.alone; index++) {
        await kubectl.apply(make(index, 'alone'));
        await comes('a claim is bound', () => allHad(watched!.sights, 'Bound', index + 1));
      }
      return median(bindTimes(watched!.sights));
    });
    await removeClaims();
    return watching({ pvc: PHASE }, async ([watched]) => {
      const made = countRequests(bed);
      const start = performance.now();
      await kubectl.apply(...Array.from({ length: counts.together }, (_, index) => make(index, 'together')));
      const end = await comes('all claims are bound', () => allHad(watched!.sights, 'Bound', counts.together));
      const times = { aloneMs, togetherMs: median(bindTimes(watched!.sights)), allMs: end - start, made: await made() };
      const removed = countRequests(bed);
      await removeClaims();
      return { ...times, removed: await removed() };
    });
  }

  async function removeClaims(): Promise<void> {
    const names = (await kubectl.list('pvc')).map(({ metadata }) => metadata.name).filter((name) => name !== STANDING);
    if (names.length > 0) await kubectl.remove('pvc', ...names);
    await allGone();
  }

  return { startSet, removeSet, claims };
}

/** Waits for what is not there yet. */
async function comes(what: string, get: () => number | undefined): Promise<number> {
  await until(what, () => get() !== undefined, LIMIT_MS);
  return get()!;
}
