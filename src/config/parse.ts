import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { BerthError } from '../errors.ts';
import { checkRules, type Mode } from './checks.ts';
import { type Surroundings, surroundings, withDefaults } from './defaults.ts';
import { BY_ID, type ParsedSelector } from './disk-selector.ts';
import { toProblems } from './issues.ts';
import { formatProblem, type Problem } from './problem.ts';
import { type Parsed, schema } from './schema.ts';
import type { Config, DiskSelector, PoolConfig } from './types.ts';
import { readYaml } from './yaml.ts';

/** Reads and checks a config file. Throws CONFIG_INVALID with every problem that the file has. */
export function loadConfig(file: string): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid(file, [{ path: [], message: `cannot be read: ${(error as Error).message}` }]);
  }
  return parseConfig(text, file);
}

/** Checks the text of a config file; `file` is its name in messages. Throws CONFIG_INVALID. */
export function parseConfig(
  text: string,
  file: string,
  { mode = 'node', machine = surroundings() }: { mode?: Mode; machine?: Surroundings } = {},
): Config {
  const yaml = readYaml(text);
  if (yaml.problems.length > 0) throw invalid(file, yaml.problems);
  const content = withDefaults(yaml.value, machine);
  const parsed = schema.safeParse(content);
  const found = parsed.success ? [] : toProblems(parsed.error.issues, content, configJsonSchema());
  const problems = [...found, ...checkRules(content, mode)].map((problem) => ({
    ...problem,
    line: yaml.lineOf(problem.path),
  }));
  if (!parsed.success || problems.length > 0) throw invalid(file, problems);
  return freeze(toConfig(parsed.data));
}

/** The JSON Schema (2020-12) of the file, for editors and Helm. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema, path }) => {
      // Elsewhere what the schema requires is what withDefaults adds.
      if (!path.includes('pools')) delete jsonSchema.required;
    },
  });
}

function toConfig({ node, csi, admin, http, log, pools }: Parsed): Config {
  return {
    node,
    csi: { socket: csi.endpoint, defaultDeadlineMs: csi.defaultDeadline },
    admin,
    http: http.listen,
    log,
    pools: pools.map(
      (pool): PoolConfig => ({
        ...pool,
        disks: pool.disks?.map(toSelector),
        profile: pool.profile ?? 'single',
        quota: pool.quota ?? 'qgroup',
        fsType: pool.fsType,
      }),
    ),
  };
}

function toSelector({ path, minSize, maxSize, ...rest }: ParsedSelector): DiskSelector {
  const named = path?.startsWith(BY_ID) ? { byId: path.slice(BY_ID.length) } : { path };
  return { ...named, ...rest, minSizeBytes: minSize, maxSizeBytes: maxSize };
}

function invalid(file: string, problems: Problem[]): BerthError<'CONFIG_INVALID'> {
  const sorted = problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const lines = [...new Set(sorted.map((problem) => `  ${formatProblem(problem)}`))];
  return new BerthError('CONFIG_INVALID', { file, count: lines.length, problems: lines.join('\n') });
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}
