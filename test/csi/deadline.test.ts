import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type CsiCall, compose, type Handler } from '../../src/csi/compose.ts';
import { keepDeadline } from '../../src/csi/middleware/deadline.ts';
import { lockSubjects } from '../../src/csi/middleware/lock.ts';
import { BerthError } from '../../src/errors.ts';

const NOW = 1_000_000;
beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => {
  vi.useRealTimers();
});

const callWith = (clientDeadline: number | undefined): CsiCall => ({
  method: 'csi.v1.Controller/DeleteVolume',
  requestId: 'r',
  deadline: Number.POSITIVE_INFINITY,
  clientDeadline,
});

test.each([
  ['the client’s less 250 ms', 20_000, 19_750],
  ['the client’s less a tenth when that is short', 1_000, 900],
  ['now when the client’s has passed', -5, 0],
  ['the configured one when the client has none', undefined, 59_750],
])('the deadline is %s', async (_what, clientMs, expectedMs) => {
  const handler: Handler<object, object> = async (_request, call) => ({ deadline: call.deadline });
  const handle = compose([keepDeadline({ defaultMs: 60_000 })], handler);
  const clientDeadline = clientMs === undefined ? undefined : NOW + clientMs;
  expect(await handle({}, callWith(clientDeadline))).toEqual({ deadline: NOW + expectedMs });
  expect(vi.getTimerCount()).toBe(0);
});

test('work that goes on past its deadline is answered for in time, and keeps its lock until it ends', async () => {
  const work = Promise.withResolvers<object>();
  const results = [work.promise, Promise.resolve({ second: true })];
  const handle = compose([keepDeadline({ defaultMs: 60_000 }), lockSubjects()], () => results.shift()!);
  const request = { volume_id: 'v' };

  const first = handle(request, callWith(NOW + 20_000));
  first.catch(() => {});
  vi.advanceTimersByTime(19_874); // the service itself has until 19,750
  const pending = Symbol('pending');
  expect(await Promise.race([first, Promise.resolve(pending)])).toBe(pending);
  vi.advanceTimersByTime(1);
  await expect(first).rejects.toMatchObject({ code: 'CALL_DEADLINE', status: 'UNAVAILABLE' });

  await expect(handle(request, callWith(undefined))).rejects.toMatchObject({ code: 'OPERATION_PENDING' });
  work.reject(new BerthError('VOLUME_IN_USE', { id: 'v', users: 'a pod' }));
  await work.promise.catch(() => {});
  await vi.waitFor(async () => expect(await handle(request, callWith(undefined))).toEqual({ second: true }));
});
