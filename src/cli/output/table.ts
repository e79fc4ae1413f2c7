import { printable } from './format.ts';
import type { Style, Terminal } from './terminal.ts';

export interface Column<T> {
  header: string;
  value(row: T): string;
  align?: 'right';
  style?(row: T): Style | undefined;
}

/** Rows under upper-case headers, each column as wide as its widest cell. Ends with a newline. */
export function formatTable<T>(columns: readonly Column<T>[], rows: readonly T[], style: Terminal['style']): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row)) || '-'));
  const widths = columns.map(({ header }, index) =>
    Math.max(...[header, ...cells.map((line) => line[index]!)].map((cell) => [...cell].length)),
  );
  const pad = (cell: string, index: number): string => {
    const gap = ' '.repeat(widths[index]! - [...cell].length);
    if (columns[index]!.align === 'right') return gap + cell;
    return index === columns.length - 1 ? cell : cell + gap;
  };
  const header = columns.map((column, index) => style('bold', pad(column.header, index)));
  const lines = rows.map((row, line) =>
    columns.map((column, index) => {
      const cell = pad(cells[line]![index]!, index);
      const wanted = column.style?.(row);
      return wanted === undefined ? cell : style(wanted, cell);
    }),
  );
  return [header, ...lines].map((line) => `${line.join('  ')}\n`).join('');
}

/** `name  value` lines; a value of several lines goes on beneath itself. Undefined and empty values are left out. */
export function formatFields(fields: readonly (readonly [string, string | readonly string[] | undefined])[]): string {
  const shown = fields.flatMap(([name, value]) => {
    const lines = (Array.isArray(value) ? value : [value ?? '']).map(printable).filter((line) => line !== '');
    return lines.length === 0 ? [] : [{ name, lines }];
  });
  const width = Math.max(0, ...shown.map(({ name }) => name.length));
  return shown
    .flatMap(({ name, lines }) => lines.map((line, index) => `${(index === 0 ? name : '').padEnd(width)}  ${line}\n`))
    .join('');
}
