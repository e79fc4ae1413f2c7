import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createGroupCommit } from '../../src/pools/group-commit.ts';

function build(options: { failAt?: number } = {}) {
  const events: string[] = [];
  let commits = 0;
  let fatal: unknown;
  const group = createGroupCommit(
    {
      commit() {
        commits += 1;
        if (commits === options.failAt) throw new Error('disk I/O error');
        events.push('commit');
      },
    },
    () => events.push('sync'),
    (error) => {
      fatal = error;
    },
  );
  return { group, events, fatal: () => fatal };
}

test('operations that run side by side share two commits and one sync', async () => {
  const { group, events } = build();
  const operation = async (name: string): Promise<void> => {
    await group.written();
    events.push(`act ${name}`);
    await group.durable();
    events.push(`answer ${name}`);
  };
  await Promise.all([operation('a'), operation('b')]);
  expect(events).toEqual(['commit', 'act a', 'act b', 'commit', 'sync', 'answer a', 'answer b']);
});

test('nothing is durable before the sync', async () => {
  const { group, events } = build();
  await group.durable();
  expect(events).toEqual(['commit', 'sync']);
});

test('a sync waits for those who shared the last one, and not for ever', async () => {
  const { group, events } = build();
  await Promise.all([group.durable(), group.durable()]);
  events.length = 0;
  const first = group.durable();
  await turn();
  await turn();
  const second = group.durable();
  await Promise.all([first, second]);
  expect(events).toEqual(['commit', 'sync']);
  await group.durable();
  expect(events).toEqual(['commit', 'sync', 'commit', 'sync']);
});

test('a ledger that cannot be written answers nobody and ends it all', async () => {
  const { group, events, fatal } = build({ failAt: 1 });
  let answered = false;
  void group.durable().then(() => {
    answered = true;
  });
  await turn();
  await turn();
  void group.written();
  await turn();
  await turn();
  expect({ answered, events, fatal: String(fatal()) }).toEqual({
    answered: false,
    events: [],
    fatal: 'Error: disk I/O error',
  });
});
