import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { crashingStep, plainStep, type Step, stepFromEnvironment, stepNames } from '../../src/pools/steps.ts';

/** What happened, in order; a process that is killed would do nothing more, this one goes on. */
let events: string[];
beforeEach(() => {
  events = [];
  vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
    expect([pid, signal]).toEqual([process.pid, 'SIGKILL']);
    events.push('killed');
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const take = (step: Step, name: (typeof stepNames)[number]): string =>
  step(name, () => {
    events.push(name);
    return `result of ${name}`;
  });

it('has a name of its own for each step', () => {
  expect(new Set(stepNames).size).toBe(stepNames.length);
});

describe('a crashing step', () => {
  it('kills the process before its action', () => {
    take(crashingStep('create.make:before'), 'create.make');
    expect(events).toEqual(['killed', 'create.make']);
  });

  it('kills the process after its action', () => {
    expect(take(crashingStep('create.make:after'), 'create.make')).toBe('result of create.make');
    expect(events).toEqual(['create.make', 'killed']);
  });

  it('counts the steps of its name and no others', () => {
    const step = crashingStep('create.make:before:2');
    for (const name of ['create.make', 'create.intent', 'create.make', 'create.make'] as const) take(step, name);
    expect(events).toEqual(['create.make', 'create.intent', 'killed', 'create.make', 'create.make']);
  });

  it('waits for what its action promises', async () => {
    const made = Promise.withResolvers<string>();
    const result = crashingStep('clone.copy:after')('clone.copy', () => made.promise);
    expect(events).toEqual([]);
    made.resolve('copied');
    expect(await result).toBe('copied');
    expect(events).toEqual(['killed']);
  });

  it('comes after an action that fails, too', async () => {
    const failed = crashingStep('clone.copy:after')('clone.copy', () => Promise.reject(new Error('no')));
    await expect(failed).rejects.toThrow('no');
    expect(events).toEqual(['killed']);
  });
});

describe('the environment', () => {
  it('asks for nothing in production', () => {
    vi.stubEnv('BERTH_CRASH_AT', undefined);
    expect(stepFromEnvironment()).toBe(plainStep);
    expect(take(plainStep, 'create.make')).toBe('result of create.make');
  });

  it('may name the step', () => {
    vi.stubEnv('BERTH_CRASH_AT', 'stage.mount:before:1');
    take(stepFromEnvironment(), 'stage.mount');
    expect(events).toEqual(['killed', 'stage.mount']);
  });

  it('may name a file that comes later', () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-seam-'));
    try {
      vi.stubEnv('BERTH_CRASH_AT', join(folder, 'seam'));
      const step = stepFromEnvironment();
      take(step, 'stage.mount');
      writeFileSync(join(folder, 'seam'), 'stage.mount:before:2');
      take(step, 'stage.mount');
      expect(events).toEqual(['stage.mount', 'stage.mount']);
      take(step, 'stage.mount');
      expect(events).toEqual(['stage.mount', 'stage.mount', 'killed', 'stage.mount']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
