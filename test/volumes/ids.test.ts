import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromToken, parseId, toToken } from '../../src/volumes/ids.ts';

test('an id comes apart into pool and object', () => {
  const poolId = '6d274051-083f-4c00-9e34-3f633dc2034c';
  const uuid = '2cd99c3a-2c36-4d64-b87e-cf2f2ea14931';
  expect(parseId(`${poolId}.${uuid}`)).toEqual({ poolId, uuid });
  expect(fromToken(toToken(`${poolId}.${uuid}`))).toEqual({ poolId, uuid });
});

test('nothing else is an id or a page token', () => {
  fc.assert(fc.property(fc.string(), (text) => parseId(text) === undefined));
  expect(parseId('6d274051-083f-4c00-9e34-3f633dc2034c./../../etc')).toBeUndefined();
  expect(fromToken('')).toBeUndefined();
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (text) => {
      expect(() => fromToken(text)).toThrow(expect.objectContaining({ code: 'PAGE_TOKEN_INVALID' }));
    }),
  );
});
