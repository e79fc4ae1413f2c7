import { describe, expect, it, vi } from 'vitest';
import { add, format } from './counts.ts';
import { countScript } from './scripts.ts';
import { countReport, type Report } from './vitest.ts';

vi.spyOn(console, 'log').mockImplementation(() => {});

const report = (changes: Partial<Report>): Report => ({
  numTotalTests: 0,
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
  ...changes,
});

describe('the sum', () => {
  it('has the form that .ci/run reads', () => {
    expect(format(add({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 0, skipped: 0 }))).toBe(
      '11 passed, 2 failed, 3 skipped',
    );
  });
});

describe('a vitest report', () => {
  it('is counted test by test', () => {
    const counts = countReport(
      report({ numPassedTests: 4, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 }),
      false,
    );
    expect(counts).toEqual({ passed: 4, failed: 1, skipped: 3 });
  });

  it('counts a file that cannot be loaded as a failure', () => {
    const testResults = [{ status: 'failed', assertionResults: [] }];
    expect(countReport(report({ numPassedTests: 4, testResults }), false).failed).toBe(1);
  });

  it('counts a run that fails without a failed test as a failure', () => {
    expect(countReport(report({ numPassedTests: 4 }), false)).toEqual({ passed: 4, failed: 1, skipped: 0 });
  });

  it('that is missing is a failure', () => {
    expect(countReport(undefined, true).failed).toBe(1);
  });
});

describe('a script', () => {
  it('is one test without steps of its own', () => {
    expect(countScript('x.sh', ['anything'], 0)).toEqual({ passed: 1, failed: 0, skipped: 0 });
    expect(countScript('x.sh', ['anything'], 3)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('counts its steps', () => {
    expect(countScript('x.sh', ['ok one', 'noise', 'not ok two'], 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it('fails when it ends badly after good steps', () => {
    expect(countScript('x.sh', ['ok one'], 'ended by SIGKILL')).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it('that fails a step but ends well has failed all the same', () => {
    expect(countScript('x.sh', ['not ok one'], 0).failed).toBe(1);
  });

  it('may say that it cannot run', () => {
    expect(countScript('x.sh', ['no KVM'], 77)).toEqual({ passed: 0, failed: 0, skipped: 1 });
  });
});
