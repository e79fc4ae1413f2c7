import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Counts, FAILED, skip } from './counts.ts';

/** What is read of vitest's JSON report. */
export interface Report {
  numTotalTests: number;
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

/** Runs the vitest projects named; their output is passed through. */
export function runVitest(...projects: readonly string[]): Counts {
  const folder = mkdtempSync(join(tmpdir(), 'berth-vitest-'));
  try {
    const file = join(folder, 'report.json');
    const options = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`, '--passWithNoTests'];
    const { status } = spawnSync(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', 'run', ...projects.map((name) => `--project=${name}`), ...options],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const report = readReport(file);
    if (status === 0 && report?.numTotalTests === 0) return skip(projects.join(' '), 'there are no tests in it yet');
    return countReport(report, status === 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readReport(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return undefined; // vitest ended before it wrote one
  }
}

/** A file that broke outside of its tests, and a run that failed for a reason that no test shows, count one each. */
export function countReport(report: Report | undefined, succeeded: boolean): Counts {
  if (!report) return FAILED;
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const failed = report.numFailedTests + broken.length;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && !succeeded ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
