import { assert, bigInt, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/config/nearest.ts';
import { parseDuration, parseQuantity } from '../../src/config/quantity.ts';

describe('parseQuantity', () => {
  it.each([
    ['0', 0n],
    ['1', 1n],
    ['1k', 1_000n],
    ['1Ki', 1_024n],
    ['1.5Gi', 3n << 29n],
    ['0.1k', 100n],
    ['0.0001Ki', 1n],
    ['1E', 10n ** 18n],
    ['7Ei', 7n << 60n],
    ['9223372036854775807', (1n << 63n) - 1n],
  ])('reads %s', (text, bytes) => expect(parseQuantity(text)).toBe(bytes));

  it.each([
    '',
    ' 1',
    '-1',
    '+1',
    '1e3',
    '1ki',
    '1K',
    '1GB',
    '1 Gi',
    '1,5Gi',
    '.5Gi',
    '5.',
    '0x10',
    '8Ei',
    '9223372036854775808',
    '١',
  ])('refuses %j', (text) => expect(parseQuantity(text)).toBeUndefined());

  it('reads every whole number as itself', () => {
    assert(property(bigInt({ min: 0n, max: (1n << 63n) - 1n }), (bytes) => parseQuantity(String(bytes)) === bytes));
  });
});

describe('parseDuration', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
  ])('reads %s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', '5', '1.5s', '-1s', '1d', '1 s', '9999999999s'])('refuses %j', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );
});

describe('nearest', () => {
  it.each([
    ['nodes', 'node'],
    ['minsize', 'minSize'],
    ['clas', 'class'],
    ['x', undefined],
    ['telemetry', undefined],
    ['', undefined],
    ['n'.repeat(100_000), undefined],
  ])('of %.20s is %s', (word, expected) => {
    expect(nearest(word, ['node', 'class', 'minSize', 'maxSize'])).toBe(expected);
  });
});
