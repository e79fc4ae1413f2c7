import { existsSync, readFileSync } from 'node:fs';

/**
 * Every durable step of an operation goes through this seam under a name of its own, so that the crash matrix
 * (test/node/crash) can end the process before or after any of them. In production it only calls the function.
 */
export const stepNames = [
  'adopt.format',
  'adopt.mount',
  'adopt.stamp',
  'create.intent',
  'create.make',
  'create.format',
  'create.commit',
  'create.place',
  'snapshot.intent',
  'snapshot.freeze',
  'snapshot.copy',
  'snapshot.thaw',
  'snapshot.commit',
  'snapshot.place',
  'clone.intent',
  'clone.freeze',
  'clone.copy',
  'clone.thaw',
  'clone.commit',
  'clone.place',
  'delete.intent',
  'delete.move',
  'delete.commit',
  'delete.free',
  'delete.forget',
  'expand.intent',
  'expand.grow',
  'expand.commit',
  'modify.commit',
  'expand.filesystem',
  'stage.attach',
  'stage.mount',
  'stage.grow',
  'unstage.unmount',
  'unstage.detach',
  'publish.mount',
  'unpublish.unmount',
] as const;

export type StepName = (typeof stepNames)[number];

export type Step = <T>(name: StepName, act: () => T) => T;

export const plainStep: Step = (_name, act) => act();

/**
 * The seam for tests: `BERTH_CRASH_AT=create.make:before:3` kills the process before the third such step. `:after`
 * waits for a step that returns a promise.
 */
export function crashingStep(spec: string): Step {
  const [target, moment, count = '1'] = spec.split(':');
  let left = Number(count);
  const crash = (): void => {
    process.kill(process.pid, 'SIGKILL');
  };
  return (name, act) => {
    const hit = name === target && --left === 0;
    if (hit && moment === 'before') crash();
    const result = act();
    if (!hit || moment !== 'after') return result;
    if (result instanceof Promise) {
      return result.finally(crash) as typeof result;
    }
    crash();
    return result;
  };
}

/** The seam that `BERTH_CRASH_AT` asks for; a path names a file that says it, which may come while the daemon runs. */
export const stepFromEnvironment = (): Step => {
  const spec = process.env['BERTH_CRASH_AT'];
  if (spec === undefined) return plainStep;
  return spec.startsWith('/') ? stepFromFile(spec) : crashingStep(spec);
};

function stepFromFile(path: string): Step {
  let step = plainStep;
  return (name, act) => {
    if (step === plainStep && existsSync(path)) step = crashingStep(readFileSync(path, 'utf8'));
    return step(name, act);
  };
}
