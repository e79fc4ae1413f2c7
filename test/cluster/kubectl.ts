import type { CallOptions } from './call.ts';

/** kubectl as the cluster's administrator. All throw with what kubectl says. */
export interface Kubectl {
  /** Any command; returns what it prints. */
  run(...args: string[]): Promise<string>;
  /** `kubectl get` of one object: `get('pod', 'web-0')`. */
  get<T = KubeObject>(...args: string[]): Promise<T>;
  /** `kubectl get` of several: `list('pods', '-A')`. */
  list<T = KubeObject>(...args: string[]): Promise<T[]>;
  /** Creates or changes the objects. */
  apply(...objects: readonly object[]): Promise<void>;
  /** The same, of a manifest's text. */
  applyText(manifest: string): Promise<void>;
  /** A JSON merge patch: `patch('pvc', 'data', {…})`. */
  patch(kind: string, name: string, patch: object, ...args: string[]): Promise<void>;
  /** Deletes and waits until it is gone: `remove('pod', 'a', 'b')`. */
  remove(...args: string[]): Promise<void>;
  /** Runs a program in a pod's first container; returns what it prints. */
  exec(pod: string, ...command: string[]): Promise<string>;
}

export interface KubeObject {
  kind: string;
  metadata: { name: string; namespace?: string; uid: string; labels?: Record<string, string> };
}

export function createKubectl(call: (args: readonly string[], options?: CallOptions) => Promise<string>): Kubectl {
  const get = async <T>(...args: string[]): Promise<T> => JSON.parse(await call(['get', ...args, '-o', 'json'])) as T;
  const applyText = async (input: string): Promise<void> => void (await call(['apply', '-f', '-'], { input }));
  return {
    run: (...args) => call(args),
    get,
    list: async <T>(...args: string[]) => (await get<{ items: T[] }>(...args)).items,
    apply: (...items) => applyText(JSON.stringify({ apiVersion: 'v1', kind: 'List', items })),
    applyText,
    async patch(kind, name, patch, ...args) {
      await call(['patch', kind, name, '--type=merge', '--patch', JSON.stringify(patch), ...args]);
    },
    remove: async (...args) => void (await call(['delete', ...args])),
    exec: (pod, ...command) => call(['exec', pod, '--', ...command]),
  };
}
