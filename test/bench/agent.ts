import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** What an agent does, by name. */
export type Work = Record<string, (input: never) => unknown>;

/** A process of its own that works on request, so that what is measured shares its event loop with nothing else. */
export interface Agent<W extends Work> {
  /** One thing at a time. */
  ask<N extends keyof W & string>(name: N, ...input: Parameters<W[N]>): Promise<Awaited<ReturnType<W[N]>>>;
  stop(): Promise<void>;
}

type Reply = { value: unknown } | { error: string };

/** Starts the module at `url`, which calls `serveWork`. */
export function startAgent<W extends Work>(url: URL, args: readonly string[]): Agent<W> {
  const child: ChildProcess = fork(url, args, { serialization: 'advanced' });
  const exit = once(child, 'exit');
  return {
    async ask(name, input) {
      const reply = once(child, 'message');
      child.send({ name, input });
      const gone = exit.then(([code, signal]) => [{ error: `${url.pathname} ended with ${signal ?? code}` }]);
      const [answer] = (await Promise.race([reply, gone])) as [Reply];
      if ('error' in answer) throw new Error(answer.error);
      return answer.value as never;
    },
    async stop() {
      if (child.connected) child.disconnect();
      await exit;
    },
  };
}

/** The other side: works until its parent lets go of it. */
export function serveWork(work: Work): void {
  process.on('message', ({ name, input }: { name: string; input: never }) => {
    Promise.resolve(input)
      .then(work[name])
      .then(
        (value): Reply => ({ value }),
        (error: Error): Reply => ({ error: String(error.stack ?? error) }),
      )
      .then((reply) => process.send!(reply));
  });
  process.on('disconnect', () => process.exit(0));
}
