import type { z } from 'zod';
import { nearest } from './nearest.ts';
import { describe, type Problem } from './problem.ts';

type Issue = z.core.$ZodIssue;
type JsonSchema = Record<string, unknown>;

const TYPE_NAMES: Record<string, string> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  object: 'a map',
  array: 'a list',
};

/** zod's issues in Berth's words: what was expected, what was found, and what was probably meant. */
export function toProblems(issues: readonly Issue[], content: unknown, jsonSchema: JsonSchema): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(jsonSchema, issue.path);
      return issue.keys.map((key) => ({ path: [...issue.path, key], message: unknownKey(key, known) }));
    }
    const value = valueAt(content, issue.path);
    return [{ path: issue.path, message: `${expectation(issue)}, found ${describe(value)}${quoteHint(issue, value)}` }];
  });
}

function unknownKey(key: string, known: string[]): string {
  const meant = nearest(key, known);
  return `not a key that Berth knows; ${meant === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${meant}?`}`;
}

/** The schema's own messages begin so, zod's do not. */
const isOurs = (issue: Issue): boolean => issue.message.startsWith('expected');

function expectation(issue: Issue): string {
  if (isOurs(issue)) return issue.message;
  if (issue.code === 'invalid_type') return `expected ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.map(String).join(', ')}`;
  return issue.message;
}

/** YAML reads `serial: 0815` as a number. */
function quoteHint(issue: Issue, value: unknown): string {
  const isText = issue.code === 'invalid_type' && issue.expected === 'string' && !isOurs(issue);
  return isText && (typeof value === 'number' || typeof value === 'boolean') ? '; put it in quotes' : '';
}

function valueAt(content: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], content);
}

/** The keys that a map at `path` may have. */
function keysAt(schema: JsonSchema, path: readonly PropertyKey[]): string[] {
  const at = path.reduce<JsonSchema>((node, key) => {
    const next = typeof key === 'number' ? node.items : (node.properties as JsonSchema | undefined)?.[String(key)];
    return (next ?? {}) as JsonSchema;
  }, schema);
  return Object.keys(at.properties ?? {});
}
