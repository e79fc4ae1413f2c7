import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../../helpers/until.ts';

const CALL = join(import.meta.dirname, '../../cluster/bed/call');

/** What `kubectl get --watch` tells of one object, at the time at which it was told. */
export interface Sight {
  name: string;
  /** What the path of the watch finds; '' when it finds nothing. */
  value: string;
  deleted: boolean;
  atMs: number;
}

export interface Watch {
  readonly sights: readonly Sight[];
  stop(): void;
}

/**
 * Sees every change of the objects of a kind in the default namespace from now on. `standing` is the name of one that is
 * there: once it is seen, no change is missed. `path` is a jsonpath within the object.
 */
export async function watch(kind: string, standing: string, path: string): Promise<Watch> {
  const line = `{.type}{" "}{.object.metadata.name}{" "}{.object${path}}{"\\n"}`;
  const args = ['on', 'node1', 'kube', 'get', kind, '--watch', '--output-watch-events', '-o', `jsonpath=${line}`];
  // A group of its own, since the end of a shell is not that of what it has started in other namespaces.
  const child = spawn(CALL, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const sights: Sight[] = [];
  createInterface({ input: child.stdout }).on('line', (text) => {
    const [type, name = '', value = ''] = text.split(' ');
    sights.push({ name, value, deleted: type === 'DELETED', atMs: performance.now() });
  });
  await until(`the watch of ${kind} shows ${standing}`, () => sights.some(({ name }) => name === standing));
  return { sights, stop: () => void process.kill(-child.pid!, 'SIGKILL') };
}
