import { describe, expect, it } from 'vitest';
import { reportFailure } from '../../src/cli/failure.ts';
import { formatAge, formatBytes, formatPercent, printable } from '../../src/cli/output/format.ts';
import { createProgress, formatProgress } from '../../src/cli/output/progress.ts';
import { formatFields, formatTable } from '../../src/cli/output/table.ts';
import { parseQuantity } from '../../src/config/quantity.ts';
import { BerthError } from '../../src/errors.ts';
import type { Job } from '../../src/volumes/model.ts';
import { fakeTerminal } from './harness.ts';

describe('formatBytes', () => {
  it.each([
    [0n, '0'],
    [1_023n, '1023'],
    [1_024n, '1Ki'],
    [1_536n, '1.5Ki'],
    [(1n << 30n) - 1n, '1023.9Mi'],
    [10n << 30n, '10Gi'],
    [1_920_383_410_176n, '1.7Ti'],
    [1n << 62n, '4Ei'],
    [-2_048n, '-2Ki'],
  ])('%d is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it('never tells more than there is', () => {
    for (const bytes of [1_100n, 999_999n, 123_456_789n, 5n << 41n]) {
      expect(parseQuantity(formatBytes(bytes))! <= bytes + 1n).toBe(true);
    }
  });
});

describe('formatAge', () => {
  it.each([
    [0, '0s'],
    [-5_000, '0s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [3_600_000, '1h'],
    [86_400_000 * 400, '400d'],
  ])('%d ms is %s', (age, text) => expect(formatAge(1_000_000, 1_000_000 + age)).toBe(text));
});

it('formatPercent rounds down, and knows no share of nothing', () => {
  expect(formatPercent(999n, 1_000n)).toBe('99%');
  expect(formatPercent(1n, 0n)).toBe('-');
});

it('printable shows what would move the cursor or turn the text around', () => {
  expect(printable('a\u001b[2Jb\nc\u202ed\u009b')).toBe('a\\u001b[2Jb\\u000ac\\u202ed\\u009b');
  expect(printable('größer 日本')).toBe('größer 日本');
});

describe('formatTable', () => {
  const columns = [
    { header: 'NAME', value: ({ name }: { name: string }) => name },
    { header: 'N', value: ({ name }: { name: string }) => String(name.length), align: 'right' as const },
    { header: 'END', value: () => '' },
  ];

  it('makes columns as wide as what is in them, counted in characters', () => {
    expect(formatTable(columns, [{ name: 'ä'.repeat(10) }, { name: '😀' }], (_, text) => text)).toBe(
      `NAME         N  END\n${'ä'.repeat(10)}  10  -\n😀            2  -\n`,
    );
  });

  it('pads before it colours, so that colours do not shift columns', () => {
    const styled = [{ ...columns[0]!, style: () => 'red' as const }, columns[2]!];
    expect(formatTable(styled, [{ name: 'ab' }], (style, text) => `<${style}:${text}>`)).toBe(
      '<bold:NAME>  <bold:END>\n<red:ab  >  -\n',
    );
  });
});

it('formatFields leaves out what is not known and keeps lists under each other', () => {
  expect(
    formatFields([
      ['a', 'x'],
      ['longer', ['1', '2']],
      ['none', undefined],
      ['empty', []],
    ]),
  ).toBe('a       x\nlonger  1\n        2\n');
});

describe('progress', () => {
  const job: Job = {
    id: '1',
    poolName: 'p',
    kind: 'copy',
    subject: 'data',
    state: 'running',
    doneBytes: 5n << 30n,
    totalBytes: 10n << 30n,
    startedAt: 0,
  };

  it.each([
    [{}, 'copy data  [############------------]  50%  5Gi of 10Gi'],
    [{ totalBytes: 0n, doneBytes: 0n }, 'copy data  [------------------------]    -  running'],
    [{ doneBytes: 11n << 30n }, 'copy data  [########################] 110%  11Gi of 10Gi'],
    [{ state: 'failed', error: 'no\nroom' }, 'copy data  [############------------]  50%  failed: no\\u000aroom'],
  ] as const)('line %#', (changes, line) => expect(formatProgress({ ...job, ...changes }, 80)).toBe(line));

  it('does not wrap', () => {
    expect(formatProgress({ ...job, subject: 'x'.repeat(200) }, 60)).toHaveLength(59);
  });

  it('is drawn over what was drawn before', () => {
    const terminal = fakeTerminal();
    const progress = createProgress(terminal);
    progress.draw([job, job]);
    terminal.stderr = '';
    progress.draw([job]);
    expect(terminal.stderr).toMatch(/^(\u001b\[1A\u001b\[2K){2}copy data .*\n$/);
    terminal.stderr = '';
    progress.clear();
    expect(terminal.stderr).toBe('\u001b[1A\u001b[2K');
  });
});

describe('reportFailure', () => {
  it.each([
    [new BerthError('VOLUME_NOT_FOUND', { id: 'x' }), 1],
    [new BerthError('CONFIG_INVALID', { file: 'f', count: 1, problems: 'p' }), 2],
    [new BerthError('CONFIRMATION_REQUIRED', { operation: 'o' }), 2],
    [new BerthError('DAEMON_UNREACHABLE', { socket: 's', problem: 'p' }), 3],
    [new TypeError('boom'), 1],
    ['boom', 1],
  ])('%s ends with its exit code', (thrown, code) => expect(reportFailure(thrown, fakeTerminal())).toBe(code));

  it('tells code, message and what to do', () => {
    const terminal = fakeTerminal();
    reportFailure(new BerthError('VOLUME_NOT_FOUND', { id: 'x' }), terminal);
    expect(terminal.stderr).toBe(
      'berth: VOLUME_NOT_FOUND: volume x does not exist\n  hint: Check the id with `berth volume list`.\n',
    );
    expect(terminal.stdout).toBe('');
  });

  it('keeps lines apart, and the terminal safe', () => {
    const terminal = fakeTerminal();
    reportFailure(new BerthError('CONFIG_INVALID', { file: 'f', count: 1, problems: 'a\u001b[2J\nb' }), terminal);
    expect(terminal.stderr).toContain('f has 1 problem(s):\na\\u001b[2J\nb\n');
  });
});
