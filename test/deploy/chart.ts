import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { ensureHelm } from '../helpers/helm.ts';

export const CHART = join(import.meta.dirname, '../../deploy/helm/berth');
const VALUES = join(import.meta.dirname, 'values');
/** One of the files in values/. */
export type ValueSet = (typeof VALUE_SETS)[number];
export const VALUE_SETS = ['default', 'groups', 'small', 'elsewhere', 'throwaway'] as const;
const TIMEOUT_MS = 60_000;

/** What is read of a rendered object. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: as deep and various as Kubernetes is
  [key: string]: any;
}

/** Runs helm; rejects with its standard error. */
export async function helm(...args: readonly string[]): Promise<string> {
  const command = await ensureHelm();
  const { stdout } = await promisify(execFile)(command, args, { timeout: TIMEOUT_MS, maxBuffer: 16 << 20 });
  return stdout;
}

/** The chart's objects with a value set, as text. */
export function render(values: ValueSet, ...args: readonly string[]): Promise<string> {
  const namespace = values === 'elsewhere' ? 'storage' : 'berth-system';
  const file = values === 'default' ? [] : ['--values', join(VALUES, `${values}.yaml`)];
  return helm('template', 'berth', CHART, '--namespace', namespace, '--kube-version', '1.37.2', ...file, ...args);
}

/** The objects of a YAML text. */
export const objectsOf = (text: string): KubernetesObject[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
