import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A process of its own that does work on request, so that nothing measured shares an event loop with anything else. */
export interface Agent<Work extends Record<string, (input: never) => unknown>> {
  ask<N extends keyof Work>(name: N, input: Parameters<Work[N]>[0]): Promise<Awaited<ReturnType<Work[N]>>>;
  stop(): Promise<void>;
}

type Reply = { value: unknown } | { error: string };

/** Starts the module at `url`, which must call `serveWork`. Asked one thing at a time. */
export function startAgent<Work extends Record<string, (input: never) => unknown>>(
  url: URL,
  args: readonly string[] = [],
): Agent<Work> {
  const child: ChildProcess = fork(url, args, { serialization: 'advanced' });
  return {
    async ask(name, input) {
      child.send({ name, input });
      const [reply] = (await Promise.race([once(child, 'message'), ended(child)])) as [Reply];
      if ('error' in reply) throw new Error(reply.error);
      return reply.value as never;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
    },
  };
}

async function ended(child: ChildProcess): Promise<never> {
  const [code, signal] = await once(child, 'exit');
  throw new Error(`${child.spawnargs.join(' ')}: ended with ${signal ?? code}`);
}

/** The other side: answers until its parent lets go of it, then cleans up and ends. */
export function serveWork(work: Record<string, (input: never) => unknown>, close: () => void): void {
  process.on('message', async ({ name, input }: { name: string; input: never }) => {
    const reply: Reply = await Promise.resolve(input)
      .then(work[name]!)
      .then(
        (value) => ({ value }),
        (error: Error) => ({ error: String(error.stack ?? error) }),
      );
    process.send!(reply);
  });
  process.on('disconnect', close);
}
