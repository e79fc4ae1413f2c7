/** One line of the table. What is only told for comparison has no target. */
export interface Row {
  what: string;
  measured: string;
  /** What it stands against, with its name. */
  baseline?: string;
  /** Measured by baseline. */
  ratio?: number;
  target?: string;
  met?: boolean;
}

/** A bound on a ratio or a value, as text and as a judge. */
export interface Target {
  text: string;
  holds(value: number): boolean;
}

export const atLeast = (bound: number): Target => ({ text: `≥ ${bound}`, holds: (value) => value >= bound });
export const atMost = (bound: number, unit = ''): Target => ({
  text: `≤ ${bound}${unit && ` ${unit}`}`,
  holds: (value) => value <= bound,
});

/** A line whose target is for measured by baseline. */
export function compareRow(
  what: string,
  measured: { value: number; text: string },
  baseline: { value: number; text: string },
  target?: Target,
): Row {
  const ratio = measured.value / baseline.value;
  return { what, measured: measured.text, baseline: baseline.text, ratio, ...judge(ratio, target) };
}

/** A line whose target is for the measured value itself. */
export const valueRow = (what: string, measured: { value: number; text: string }, target?: Target): Row => ({
  what,
  measured: measured.text,
  ...judge(measured.value, target),
});

function judge(value: number, target: Target | undefined): Pick<Row, 'target' | 'met'> {
  return target === undefined ? {} : { target: target.text, met: target.holds(value) };
}

const COLUMNS = ['what', 'measured', 'baseline', 'ratio', 'target', 'met'] as const;

/** The table, aligned; also a Markdown table, so that it can be pasted. */
export function formatTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.what,
    row.measured,
    row.baseline ?? '',
    row.ratio === undefined ? '' : formatRatio(row.ratio),
    row.target ?? '',
    row.met === undefined ? '' : row.met ? 'yes' : 'NO',
  ]);
  const widths = COLUMNS.map((title, column) => Math.max(title.length, ...cells.map((line) => line[column]!.length)));
  const format = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  return [format(COLUMNS), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...cells.map(format)].join(
    '\n',
  );
}

const formatRatio = (ratio: number): string => (ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2));
