import { describe, expect, it } from 'vitest';
import { collectDisks } from '../../src/disks/collect.ts';
import { limitSources } from '../../src/disks/limits.ts';
import { recordedSources } from '../../src/disks/recorded.ts';
import type { DiskSources } from '../../src/disks/sources.ts';
import { fakeMachine } from './machine.ts';

const machine = fakeMachine().disk('sda').disk('sdb').disk('sdc').machine;

/** Sources of which one kind of access to sdb waits for `release`. */
function hanging(kind: 'probe' | 'openExclusive' | 'readRange') {
  let release = (): void => {};
  let touched = 0;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const sources = recordedSources(machine);
  const hang = async (path: string, ...rest: never[]): Promise<never> => {
    if (path === '/dev/sdb') {
      touched++;
      await gate;
    }
    return (sources[kind] as (...args: unknown[]) => Promise<never>)(path, ...rest);
  };
  return { sources: { ...sources, [kind]: hang } as DiskSources, release: () => release(), touched: () => touched };
}

const stateOf = async (sources: DiskSources) =>
  (await collectDisks(sources)).map(({ content, exclusive, head }) => [content.state, exclusive.state, head.state]);

const WELL = ['empty', 'granted', 'zero'];

describe('a device that hangs', () => {
  it.each([
    ['probe', ['unknown', 'not-asked', 'not-asked']],
    ['openExclusive', ['empty', 'unknown', 'zero']],
    ['readRange', ['empty', 'granted', 'unknown']],
  ] as const)('in %s is unknown, and the others are listed', async (kind, states) => {
    const { sources, release } = hanging(kind);
    const expected = kind === 'readRange' ? ['empty', 'unknown', 'unknown'] : states;
    expect(await stateOf(limitSources(sources, 20))).toEqual([WELL, expected, WELL]);
    release();
  });

  it('is not touched again until it comes back', async () => {
    const { sources, release, touched } = hanging('probe');
    const limited = limitSources(sources, 20);
    await stateOf(limited);
    await stateOf(limited);
    expect(touched()).toBe(1);
    release();
    await new Promise(setImmediate);
    expect(await stateOf(limited)).toEqual([WELL, WELL, WELL]);
  });

  it('and opens at last is closed again', async () => {
    let open = 0;
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const limited = limitSources(
      {
        ...recordedSources(machine),
        openExclusive: async () => {
          await gate;
          open++;
          return { fd: 9, number: '8:0', close: async () => void open-- };
        },
      },
      20,
    );
    await expect(limited.openExclusive('/dev/sda')).rejects.toThrow('no answer within 20 ms');
    release();
    await new Promise(setImmediate);
    expect(open).toBe(0);
  });

  it('is not held against two listings at the same time', async () => {
    const limited = limitSources(recordedSources(machine), 1_000);
    expect(await Promise.all([stateOf(limited), stateOf(limited)])).toEqual([
      [WELL, WELL, WELL],
      [WELL, WELL, WELL],
    ]);
  });
});
