/** Something wrong with a config file. `path` is empty for the file as a whole. */
export interface Problem {
  path: readonly PropertyKey[];
  /** What was expected and what was found. */
  message: string;
  /** Counted from 1. */
  line?: number | undefined;
}

/** `line 7: pools[0].disks[1].path: expected ...` */
export function formatProblem({ path, message, line }: Problem): string {
  return [line === undefined ? '' : `line ${line}`, formatPath(path), message].filter((part) => part !== '').join(': ');
}

export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${quoteKey(String(key))}`))
    .join('')
    .replace(/^\./, '');
}

const quoteKey = (key: string): string => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key));

/** A value of the file in a few words. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return `"${value.length > 60 ? `${value.slice(0, 60)}...` : value}"`;
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return `the ${typeof value} ${String(value)}`;
}
