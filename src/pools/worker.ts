import { parentPort } from 'node:worker_threads';
import { BerthError } from '../errors.ts';
import { syncFilesystem } from '../host/files.ts';
import { collectGarbage } from '../host/garbage.ts';
import { diskFailed, explainFailure, requireAlive } from './failure.ts';
import { type OpenPool, openPool } from './open.ts';
import { operations } from './operations/index.ts';
import type { Answer, FromPool, PoolSpec, ToPool } from './protocol.ts';
import { stepFromEnvironment } from './steps.ts';
import { toWire } from './wire-error.ts';

/**
 * A pool's own thread: takes calls from its mailbox, runs them side by side up to their waits, and sends the answers of
 * a turn together. A ledger that cannot be written ends the thread; the next one reconciles.
 */
export function runPoolThread(): void {
  const port = parentPort!;
  const send = (message: FromPool): void => port.postMessage(message);
  let opening: Promise<void> | undefined;
  let pool: OpenPool | undefined;
  let answers: Answer[] = [];
  let ending = false;

  /** Lets go of the pool, so that the next thread can mount it anew. */
  const fatal = (thrown: unknown): void => {
    if (ending) return;
    ending = true;
    send({ kind: 'fatal', error: toWire(thrown) });
    pool?.close();
    setImmediate(() => process.exit(1));
  };
  /** What is behind an error that nobody expected: the disk, when a sync fails as well. */
  const explain = (error: unknown): unknown => {
    if (pool === undefined || (error instanceof BerthError && error.status !== 'INTERNAL')) return error;
    const { spec, layout } = pool.core;
    try {
      requireAlive(pool.path);
      syncFilesystem(layout.rootFd);
      return explainFailure(spec.name, error);
    } catch (cause) {
      const failure = diskFailed(spec.name, cause);
      fatal(failure);
      return failure;
    }
  };

  const figures = () => {
    try {
      return pool?.core.room.figures();
    } catch {
      return undefined; // the file system is gone; the calls tell
    }
  };
  const answer = (one: Answer): void => {
    if (answers.length === 0) {
      setImmediate(() => {
        send({ kind: 'answers', answers, figures: figures() });
        answers = [];
      });
    }
    answers.push(one);
  };

  const open = async (spec: PoolSpec): Promise<void> => {
    const log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields = {}): void =>
      send({ kind: 'log', level, message, fields });
    try {
      const onFatal = (error: unknown): void => fatal(explainFailure(spec.name, error));
      pool = await openPool(spec, { step: stepFromEnvironment(), log, onFatal });
      send({ kind: 'opened', opened: pool.opened, figures: pool.core.room.figures() });
      collectGarbage();
    } catch (error) {
      send({ kind: 'open-failed', error: toWire(explainFailure(spec.name, error)) });
    }
  };

  const take = async (call: { id: number; operation: string; args: unknown }): Promise<void> => {
    const operation = operations[call.operation as keyof typeof operations] as (
      core: unknown,
      args: unknown,
    ) => unknown;
    try {
      if (pool === undefined) throw new BerthError('INTERNAL', { problem: 'the pool is not open' });
      answer({ id: call.id, value: await operation(pool.core, call.args) });
    } catch (error) {
      answer({ id: call.id, error: toWire(explain(error)) });
    }
  };

  const pong = (): void => {
    try {
      if (pool !== undefined) requireAlive(pool.path);
    } catch (error) {
      fatal(diskFailed(pool!.core.spec.name, error));
    }
    send({ kind: 'pong', figures: figures() });
  };

  const close = async (): Promise<void> => {
    await opening; // what is half open cannot be closed
    await pool?.core.durable();
    pool?.close();
    send({ kind: 'closed' });
    port.close();
    setImmediate(() => process.exit(0));
  };

  port.on('message', (message: ToPool) => {
    if (message.kind === 'open') opening = open(message.spec);
    else if (message.kind === 'calls') for (const call of message.calls) void take(call);
    else if (message.kind === 'ping') pong();
    else void close();
  });
}
