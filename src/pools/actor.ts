import type { Worker } from 'node:worker_threads';
import { BerthError } from '../errors.ts';
import type { Call, PoolState } from '../volumes/model.ts';
import type { Log } from './core.ts';
import type { OperationArgs, OperationName, OperationResult } from './operations/index.ts';
import type { Answer, FromPool, Opened, PoolFigures, PoolSpec, ToPool } from './protocol.ts';
import { fromWire } from './wire-error.ts';

/** A thread that has not answered a ping for this long is stuck in the kernel. */
const STUCK_AFTER_MS = 3_000;
const PING_EVERY_MS = 1_000;
/** Calls that wait for one pool; more are turned away. */
const MAX_WAITING = 2_048;

/** The main thread's end of one run of a pool's thread. */
export interface PoolActor {
  readonly state: PoolState;
  /** Why it is not ready. */
  readonly reason: string | undefined;
  readonly opened: Opened | undefined;
  readonly figures: PoolFigures | undefined;
  /**
   * Runs an operation on the pool's thread. Rejects with POOL_DEADLINE when the call's deadline comes first: the
   * operation may still be done, and a repeated call finds out. Rejects with POOL_UNAVAILABLE unless the pool is ready.
   */
  call<N extends OperationName>(
    operation: N,
    args: OperationArgs<N>,
    call: Pick<Call, 'deadline'>,
  ): Promise<OperationResult<N>>;
  /** Resolves once the thread has closed the pool and ended, or after `graceMs`; says which. */
  close(graceMs: number): Promise<'closed' | 'stuck'>;
}

interface Pending {
  operation: string;
  settle: PromiseWithResolvers<unknown>;
  timer: NodeJS.Timeout;
}

export interface ActorOptions {
  spec: PoolSpec;
  spawn: () => Worker;
  log: Log;
  /** The state has changed, or the thread has ended by itself (`failed`). */
  onChange: () => void;
}

/** Starts a thread and opens the pool on it. Resolves when the pool is open; rejects with what kept it from opening. */
export function startActor({ spec, spawn, log, onChange }: ActorOptions): {
  actor: PoolActor;
  opening: Promise<Opened>;
} {
  const worker = spawn();
  const pending = new Map<number, Pending>();
  const opening = Promise.withResolvers<Opened>();
  const ended = Promise.withResolvers<void>();
  let outbox: { id: number; operation: string; args: unknown }[] = [];
  let nextId = 1;
  let pingSentAt: number | undefined;
  let state: PoolState = 'opening';
  let reason: string | undefined;
  let opened: Opened | undefined;
  let figures: PoolFigures | undefined;

  const post = (message: ToPool): void => worker.postMessage(message);
  const become = (next: PoolState, why?: string): void => {
    if (state === next && reason === why) return;
    state = next;
    reason = why;
    onChange();
  };
  const unavailable = (): BerthError =>
    new BerthError('POOL_UNAVAILABLE', { pool: spec.name, state, reason: reason ?? 'no reason known' });

  const settle = (answer: Answer): void => {
    const call = pending.get(answer.id);
    if (call === undefined) return; // its deadline has passed
    pending.delete(answer.id);
    clearTimeout(call.timer);
    if ('error' in answer) call.settle.reject(fromWire(answer.error));
    else call.settle.resolve(answer.value);
  };
  const rejectAll = (): void => {
    for (const call of pending.values()) {
      clearTimeout(call.timer);
      call.settle.reject(unavailable());
    }
    pending.clear();
  };

  const heartbeat = setInterval(() => {
    if (pingSentAt === undefined) {
      pingSentAt = Date.now();
      post({ kind: 'ping' });
    } else if ((state === 'ready' || state === 'opening') && Date.now() - pingSentAt >= STUCK_AFTER_MS) {
      become('unhealthy', 'its disk does not answer');
      log('error', 'the pool does not answer', { pool: spec.name });
    }
  }, PING_EVERY_MS);
  heartbeat.unref();

  const handle = (message: FromPool): void => {
    switch (message.kind) {
      case 'opened':
        opened = message.opened;
        figures = message.figures;
        become('ready');
        opening.resolve(message.opened);
        break;
      case 'open-failed': {
        const error = fromWire(message.error);
        become(error.code === 'POOL_FOREIGN' ? 'foreign' : 'failed', error.message);
        opening.reject(error);
        break;
      }
      case 'answers':
        figures = message.figures ?? figures;
        for (const answer of message.answers) settle(answer);
        break;
      case 'pong':
        pingSentAt = undefined;
        figures = message.figures ?? figures;
        if (state === 'unhealthy') {
          log('info', 'the pool answers again', { pool: spec.name });
          become(opened === undefined ? 'opening' : 'ready');
        }
        break;
      case 'log':
        log(message.level, message.message, { pool: spec.name, ...message.fields });
        break;
      case 'fatal':
        log('error', 'the pool’s thread gives up', { pool: spec.name, ...message.error });
        become('failed', fromWire(message.error).message);
        opening.reject(fromWire(message.error));
        break;
      case 'closed':
        become('closed');
        break;
    }
  };
  worker.on('message', handle);
  worker.on('error', (error: Error) => {
    log('error', 'the pool’s thread broke', { pool: spec.name, cause: String(error.stack ?? error) });
    become('failed', error.message);
  });
  worker.on('exit', () => {
    clearInterval(heartbeat);
    if (state !== 'closed' && state !== 'foreign') become('failed', reason ?? 'its thread ended');
    rejectAll();
    opening.reject(unavailable());
    ended.resolve();
    onChange();
  });
  post({ kind: 'open', spec });

  const actor: PoolActor = {
    get state() {
      return state;
    },
    get reason() {
      return reason;
    },
    get opened() {
      return opened;
    },
    get figures() {
      return figures;
    },
    call(operation, args, { deadline }) {
      if (state !== 'ready') return Promise.reject(unavailable());
      if (pending.size >= MAX_WAITING) {
        return Promise.reject(new BerthError('POOL_BUSY', { pool: spec.name, waiting: pending.size }));
      }
      const id = nextId++;
      const settle = Promise.withResolvers<OperationResult<typeof operation>>();
      const timer = setTimeout(
        () => {
          pending.delete(id);
          settle.reject(new BerthError('POOL_DEADLINE', { pool: spec.name, operation }));
        },
        Math.max(0, deadline - Date.now()),
      );
      pending.set(id, { operation, settle: settle as unknown as PromiseWithResolvers<unknown>, timer });
      if (outbox.length === 0) {
        setImmediate(() => {
          post({ kind: 'calls', calls: outbox });
          outbox = [];
        });
      }
      outbox.push({ id, operation, args });
      return settle.promise;
    },
    async close(graceMs) {
      post({ kind: 'close' });
      const limit = Promise.withResolvers<'stuck'>();
      const timer = setTimeout(() => limit.resolve('stuck'), graceMs);
      const outcome = await Promise.race([ended.promise.then(() => 'closed' as const), limit.promise]);
      clearTimeout(timer);
      return outcome;
    },
  };
  opening.promise.catch(() => {}); // whoever waits for it gets it; the state tells everybody else
  return { actor, opening: opening.promise };
}
