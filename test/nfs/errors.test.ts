import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NFS4 } from '../../src/nfs/protocol/status.ts';
import { BESIDE, errorName, validErrors } from './client/valid-errors.ts';
import { cases } from './errors/cases.ts';
import { general, isAlone, samples } from './errors/general.ts';
import { ELSEWHERE, NEVER, NOT_HERE } from './errors/reasons.ts';
import { createWorld, type World } from './errors/world.ts';

/**
 * The table of RFC 8881 15.2: each error of each operation is provoked here, or named with the reason why it is not.
 * That no operation answers an error beside its row is checked by the client, in all tests.
 */

const isRoot = process.geteuid?.() === 0;
/** Only a server that is root has more than one user. */
const OF_USERS = ['ACCESS', 'PERM'];

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.harness.close());

describe.each([...validErrors])('%s', (name, row) => {
  const reasons = { ...NEVER, ...ELSEWHERE, ...NOT_HERE[name] };
  const all = { ...general(name), ...cases[name] };
  const hasCase = (error: string): boolean => cases[name][error] !== undefined;
  const beside = Object.keys(BESIDE[name] ?? {}).filter(hasCase);
  const provoked = [...beside, ...[...row].filter((error) => hasCase(error) || reasons[error] === undefined)];

  // A case proves something when it is its mistake alone that makes the operation fail.
  if (name !== 'BACKCHANNEL_CTL') {
    it('may end well', async () => {
      const calls = await samples[name](world);
      const answers = await (isAlone(name) ? world.alone(...calls) : world.run(...calls));
      expect(answers).toMatchObject({ status: NFS4.OK });
      expect(answers.answers.at(-1)?.name).toBe(name);
    });
  }

  for (const error of provoked) {
    it.runIf(isRoot || !OF_USERS.includes(error))(`answers ${error}`, async () => {
      const run = all[error] ?? expect.fail('there is no case, and no reason why there is none');
      const { answers } = await run(world);
      const last = answers.at(-1);
      expect([last?.name, errorName(last?.status ?? -1)]).toEqual([name, error]);
    });
  }

  it('has no case and no reason too many', () => {
    expect(Object.keys(cases[name]).filter((error) => !provoked.includes(error))).toEqual([]);
    expect(Object.keys(NOT_HERE[name] ?? {}).filter((error) => !row.has(error) || hasCase(error))).toEqual([]);
  });
});
