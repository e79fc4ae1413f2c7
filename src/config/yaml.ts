import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { Problem } from './problem.ts';

export interface ReadYaml {
  /** Undefined when the text is no YAML at all. Keys without a value are left out. */
  value: unknown;
  problems: Problem[];
  /** The line of what `path` names, or of the nearest thing around it that is in the file. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
}

const OPTIONS = { prettyErrors: false, stringKeys: true, logLevel: 'error', version: '1.2' } as const;

/** Reads one YAML 1.2 document. Never throws. */
export function readYaml(text: string): ReadYaml {
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { ...OPTIONS, lineCounter: lines });
    const problems = [...document.errors, ...document.warnings].map((error) => ({
      path: [],
      message: error.code === 'MULTIPLE_DOCS' ? 'expected one document' : `not valid YAML: ${error.message}`,
      line: lines.linePos(error.pos[0]).line,
    }));
    const value = problems.length === 0 ? withoutNulls(document.toJS()) : undefined;
    return { value, problems, lineOf: (path) => findLine(document.contents, path, lines) };
  } catch (error) {
    // Too deep, or aliases that explode.
    const message = `not valid YAML: ${error instanceof Error ? error.message : String(error)}`;
    return { value: undefined, problems: [{ path: [], message }], lineOf: () => undefined };
  }
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutNulls(item)]));
}

function findLine(root: Node | null, path: readonly PropertyKey[], lines: LineCounter): number | undefined {
  let node: unknown = root;
  let offset = root?.range?.[0];
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
      if (pair === undefined) break;
      offset = isNode(pair.key) ? pair.key.range?.[0] : offset;
      node = pair.value;
    } else if (isSeq(node) && typeof key === 'number') {
      const item: unknown = node.items[key];
      offset = isNode(item) ? item.range?.[0] : offset;
      node = item;
    } else {
      break;
    }
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}
