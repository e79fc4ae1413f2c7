/** How many tests ended how. A check, a test case and a step of a script count one each. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export const NONE: Counts = { passed: 0, failed: 0, skipped: 0 };
export const PASSED: Counts = { ...NONE, passed: 1 };
export const FAILED: Counts = { ...NONE, failed: 1 };

/** The exit status by which a check or script says that it cannot run here; its last line is the reason. */
export const CANNOT_RUN = 77;

export function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** The line that .ci/run reads; its form is fixed. */
export function format(counts: Counts): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}

/** Says why something did not run, and counts it. */
export function skip(what: string, reason: string): Counts {
  console.log(`skipped: ${what}: ${reason}`);
  return { ...NONE, skipped: 1 };
}
