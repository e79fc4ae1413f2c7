import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import type { Bed } from '../../cluster/bed.ts';
import { median, milliseconds, type Quantity } from '../measure.ts';
import { atMost, compareRow, type Row } from '../row.ts';
import { ALL_ASKERS, type Requests } from './requests.ts';
import type { ClaimTimes, SetTimes, Trials } from './trials.ts';
import { PROVISIONERS, type Provisioner, type Variant } from './variants.ts';

const VARIANTS: readonly Variant[] = ['emptyDir', 'Berth', 'local-path'];
const WARM_UP = 4;

export interface Scale {
  replicas: number;
  rounds: number;
  /** Claims made one after the other, and at once. */
  alone: number;
  together: number;
}

/** Requests a second that each of the controller manager's controllers may make; its default is 20. */
const RAISED_QPS = 500;

/** Berth beside emptyDir where the controller manager is not what bounds both. */
export async function measureRaised(bed: Bed, trials: Trials, { replicas, rounds }: Scale): Promise<Row[]> {
  const command = join(bed.folder, 'node1/cmd/kube-controller-manager');
  const limits = `--kube-api-qps=${RAISED_QPS} --kube-api-burst=${RAISED_QPS}`;
  writeFileSync(command, `${readFileSync(command, 'utf8')} ${limits}`);
  await bed.node('node1').restart('kube-controller-manager');
  const times = { emptyDir: [] as number[], Berth: [] as number[] };
  for (const variant of ['emptyDir', 'Berth'] as const) await startAndRemove(trials, variant, WARM_UP);
  for (let round = 0; round < rounds; round++) {
    for (const variant of ['emptyDir', 'Berth'] as const) {
      times[variant].push((await startAndRemove(trials, variant, replicas)).readyMs);
    }
  }
  const what = `${replicas} replicas Ready, controller manager with ${RAISED_QPS} requests/s`;
  return [compareRow(what, spread('Berth', times.Berth), spread('emptyDir', times.emptyDir))];
}

async function startAndRemove(trials: Trials, variant: Variant, replicas: number): Promise<SetTimes> {
  const times = await trials.startSet(variant, replicas);
  const { readyMs, boundMs, bindMs } = times;
  const claims = variant === 'emptyDir' ? '' : `, bound ${boundMs.toFixed(0)} ms, a claim ${bindMs.toFixed(0)} ms`;
  say(`${replicas} replicas, ${variant}: ${readyMs.toFixed(0)} ms${claims}`);
  await trials.removeSet();
  return times;
}

/** Berth beside its rivals, in turns, every other time backwards. */
export async function measureSpeed(trials: Trials, scale: Scale): Promise<{ rows: Row[]; details: string }> {
  const sets: Record<Variant, SetTimes[]> = { emptyDir: [], Berth: [], 'local-path': [] };
  const claims: Record<Provisioner, ClaimTimes[]> = { Berth: [], 'local-path': [] };
  for (const variant of VARIANTS) await startAndRemove(trials, variant, WARM_UP);
  for (let round = 0; round < scale.rounds; round++) {
    const inTurn = <T>(all: readonly T[]): readonly T[] => (round % 2 === 0 ? all : all.toReversed());
    for (const variant of inTurn(VARIANTS)) sets[variant].push(await startAndRemove(trials, variant, scale.replicas));
    for (const provisioner of inTurn(PROVISIONERS)) {
      const times = await trials.claims(provisioner, scale);
      say(
        `claims, ${provisioner}: ${times.aloneMs.toFixed(0)} ms alone, ${times.togetherMs.toFixed(0)} of ${scale.together}, all ${times.allMs.toFixed(0)}`,
      );
      claims[provisioner].push(times);
    }
  }
  const details = PROVISIONERS.flatMap((provisioner) => [
    ...detail(`${provisioner}, made`, claims[provisioner].at(-1)!.made, scale.together),
    ...detail(`${provisioner}, removed`, claims[provisioner].at(-1)!.removed, scale.together),
    ...detail(`${provisioner}, StatefulSet`, sets[provisioner].at(-1)!.requests, scale.replicas),
  ]).concat(detail('emptyDir, StatefulSet', sets.emptyDir.at(-1)!.requests, scale.replicas));
  return { rows: rowsOf(scale, sets, claims), details: details.join('\n') };
}

function rowsOf(
  { replicas, together }: Scale,
  sets: Record<Variant, SetTimes[]>,
  claims: Record<Provisioner, ClaimTimes[]>,
): Row[] {
  const ofSet = (variant: Variant, key: 'readyMs' | 'boundMs' | 'bindMs'): Quantity =>
    spread(
      variant,
      sets[variant].map((times) => times[key]),
    );
  const ofClaims = (provisioner: Provisioner, key: 'aloneMs' | 'togetherMs' | 'allMs'): Quantity =>
    spread(
      provisioner,
      claims[provisioner].map((times) => times[key]),
    );
  const fifth = atMost(0.2);
  return [
    compareRow(`${replicas} replicas Ready`, ofSet('Berth', 'readyMs'), ofSet('emptyDir', 'readyMs'), atMost(1.5)),
    compareRow(`${replicas} replicas Ready`, ofSet('Berth', 'readyMs'), ofSet('local-path', 'readyMs')),
    compareRow('their claims, created to bound', ofSet('Berth', 'bindMs'), ofSet('local-path', 'bindMs'), fifth),
    compareRow('one claim, created to bound', ofClaims('Berth', 'aloneMs'), ofClaims('local-path', 'aloneMs'), fifth),
    compareRow(
      `${together} claims at once, each`,
      ofClaims('Berth', 'togetherMs'),
      ofClaims('local-path', 'togetherMs'),
      fifth,
    ),
    compareRow(
      `${together} claims at once, the last`,
      ofClaims('Berth', 'allMs'),
      ofClaims('local-path', 'allMs'),
      fifth,
    ),
    ...(['made', 'removed'] as const).map((key) =>
      compareRow(
        `API requests for a volume ${key}`,
        ...(PROVISIONERS.map((provisioner) =>
          requests(
            provisioner,
            claims[provisioner].map((times) => times[key]),
            together,
          ),
        ) as [Quantity, Quantity]),
      ),
    ),
    compareRow(
      'API requests for a replica with its volume',
      ...(PROVISIONERS.map((variant) =>
        requests(
          variant,
          sets[variant].map((times) => times.requests),
          replicas,
        ),
      ) as [Quantity, Quantity]),
    ),
    compareRow(
      'API requests for a replica with its volume',
      ...((['Berth', 'emptyDir'] as const).map((variant) =>
        requests(
          variant,
          sets[variant].map((times) => times.requests),
          replicas,
        ),
      ) as [Quantity, Quantity]),
    ),
  ];
}

/** The median, with the least and the most. */
function spread(name: string, values: readonly number[]): Quantity {
  const { value, text } = milliseconds(median(values), name);
  return { value, text: `${text} (${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)})` };
}

/** For each of `count` objects, by asker. */
function requests(name: string, rounds: readonly Requests[], count: number): Quantity {
  const by = ALL_ASKERS.map((asker) => ({ asker, each: median(rounds.map((round) => round.by[asker])) / count }));
  const parts = by.filter(({ each }) => each > 0).map(({ asker, each }) => `${asker} ${each.toFixed(1)}`);
  const value = by.reduce((sum, { each }) => sum + each, 0);
  return { value, text: `${name} ${value.toFixed(1)}: ${parts.join(', ')}` };
}

const detail = (title: string, { detail }: Requests, count: number): string[] => [
  title,
  ...[...detail].toSorted(([, a], [, b]) => b - a).map(([key, times]) => `  ${(times / count).toFixed(2)} ${key}`),
];

export const say = (message: string): void =>
  console.error(`${new Date().toISOString().slice(11, 19)} ${message}; load ${loadavg()[0]!.toFixed(1)}`);
