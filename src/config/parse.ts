import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { BerthError } from '../errors.ts';
import { checkRules, type Mode } from './checks.ts';
import { controllerSchema } from './controller-schema.ts';
import { type NodeOverrides, type Surroundings, surroundings, withDefaults } from './defaults.ts';
import { BY_ID, type ParsedSelector } from './disk-selector.ts';
import { toProblems } from './issues.ts';
import { formatProblem, type Problem } from './problem.ts';
import { type Parsed, schema } from './schema.ts';
import type { Config, ControllerConfig, DiskSelector, PoolConfig } from './types.ts';
import { readYaml } from './yaml.ts';

/** Reads and checks the config file of a node. Throws CONFIG_INVALID with every problem that the file has. */
export const loadConfig = (file: string, overrides: NodeOverrides = {}): Config =>
  parseConfig(read(file), file, { overrides });

/** Reads and checks the config file of a controller. Throws CONFIG_INVALID with every problem that the file has. */
export const loadControllerConfig = (file: string): ControllerConfig => parseControllerConfig(read(file), file);

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid(file, [{ path: [], message: `cannot be read: ${(error as Error).message}` }]);
  }
}

/** Checks the text of a node's config file; `file` is its name in messages. Throws CONFIG_INVALID. */
export function parseConfig(
  text: string,
  file: string,
  {
    mode = 'node',
    machine = surroundings(),
    overrides = {},
  }: { mode?: Mode; machine?: Surroundings; overrides?: NodeOverrides } = {},
): Config {
  const parsed = parse(text, file, {
    schema,
    jsonSchema: configJsonSchema,
    complete: (value) => withDefaults(value, machine, overrides),
    rules: (content) => checkRules(content, mode),
  });
  return freeze(toConfig(parsed));
}

/** Checks the text of a controller's config file. Throws CONFIG_INVALID. */
export function parseControllerConfig(text: string, file: string): ControllerConfig {
  const { csi, http, fleet, kubernetes, log } = parse(text, file, {
    schema: controllerSchema,
    jsonSchema: controllerJsonSchema,
    complete: (value) => value ?? {},
    rules: () => [],
  });
  return freeze({
    csi: { socket: csi.endpoint, defaultDeadlineMs: csi.defaultDeadline },
    http: http.listen,
    fleet,
    kubernetes,
    log,
  });
}

interface Parsing<S extends z.ZodType> {
  schema: S;
  jsonSchema(): Record<string, unknown>;
  /** Adds what is not in the file. */
  complete(value: unknown): unknown;
  rules(content: unknown): Problem[];
}

function parse<S extends z.ZodType>(text: string, file: string, how: Parsing<S>): z.output<S> {
  const yaml = readYaml(text);
  if (yaml.problems.length > 0) throw invalid(file, yaml.problems);
  const content = how.complete(yaml.value);
  const parsed = how.schema.safeParse(content);
  const found = parsed.success ? [] : toProblems(parsed.error.issues, content, how.jsonSchema());
  const problems = [...found, ...how.rules(content)].map((problem) => ({
    ...problem,
    line: yaml.lineOf(problem.path),
  }));
  if (!parsed.success || problems.length > 0) throw invalid(file, problems);
  return parsed.data;
}

/** The JSON Schema (2020-12) of the controller's file. */
export const controllerJsonSchema = (): Record<string, unknown> => z.toJSONSchema(controllerSchema, { io: 'input' });

/** The JSON Schema (2020-12) of the node's file, for editors and Helm. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema, path }) => {
      // Elsewhere what the schema requires is what withDefaults adds.
      if (!path.includes('pools') && !path.includes('fleet') && !path.includes('nfs')) delete jsonSchema.required;
    },
  });
}

function toConfig({ node, csi, admin, http, log, kubelet, fleet, nfs, pools }: Parsed): Config {
  return {
    node,
    csi: { socket: csi.endpoint, defaultDeadlineMs: csi.defaultDeadline },
    admin,
    http: http.listen,
    log,
    kubelet: kubelet && { ...kubelet, endpoint: kubelet.endpoint ?? csi.endpoint },
    fleet,
    nfs,
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
