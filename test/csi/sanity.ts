import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/host/run.ts';
import { ensureSanity } from './tools.ts';

export interface SanityRun {
  /** `unix://` and the path of a socket. */
  endpoint: string;
  /** Of the Controller service, when another socket serves it. */
  controllerEndpoint?: string;
  /** Names the files of the run in `workDir`, which also gets the mount and staging directories. */
  name: string;
  workDir: string;
  accessType: 'mount' | 'block';
  sizes: { sizeBytes: bigint; expandedBytes: bigint };
  /** StorageClass parameters. */
  params?: Record<string, string>;
  /** Specs that skip by themselves, by name, with the reason. Each must skip, or its entry is out of date. */
  allowedSkips: Readonly<Record<string, string>>;
}

export interface SanityResult {
  passed: string[];
  failed: string[];
  skipped: string[];
  /** Everything that is not as it should be, a line each; empty when all is well. */
  problems: string[];
}

/** The part of ginkgo's JSON report that is read. */
interface Report {
  SpecReports: {
    ContainerHierarchyTexts: string[] | null;
    LeafNodeType: string;
    LeafNodeText: string;
    State: string;
    Failure?: { Message: string };
  }[];
}

const TIMEOUT_MS = 600_000;

/** Runs csi-sanity against an endpoint. The pool behind it must be empty. */
export async function runSanity(options: SanityRun): Promise<SanityResult> {
  const { workDir, name, sizes } = options;
  mkdirSync(workDir, { recursive: true });
  const file = (suffix: string): string => join(workDir, `${name}-${suffix}`);
  const flags = [
    ['csi.endpoint', options.endpoint],
    ['csi.controllerendpoint', options.controllerEndpoint ?? ''],
    ['csi.mountdir', file('mount')],
    ['csi.stagingdir', file('staging')],
    ['csi.testvolumeaccesstype', options.accessType],
    ['csi.testvolumesize', sizes.sizeBytes],
    ['csi.testvolumeexpandsize', sizes.expandedBytes],
    ['ginkgo.json-report', file('report.json')],
    ['ginkgo.junit-report', file('junit.xml')],
  ];
  if (options.params) {
    writeFileSync(file('params.yaml'), JSON.stringify(options.params)); // JSON is YAML
    flags.push(['csi.testvolumeparameters', file('params.yaml')]);
  }
  await run(
    await ensureSanity(),
    flags.map(([flag, value]) => `-${flag}=${value}`),
    { timeoutMs: TIMEOUT_MS, okCodes: [0, 1] },
  );
  // ginkgo writes a list of one report for each suite.
  const [report] = JSON.parse(readFileSync(file('report.json'), 'utf8')) as Report[];
  return judge(report!, options.allowedSkips);
}

/** A pending spec is one that csi-sanity itself has switched off; it counts as skipped. */
export function judge(report: Report, allowedSkips: SanityRun['allowedSkips']): SanityResult {
  const specs = report.SpecReports.filter((spec) => spec.LeafNodeType === 'It').map((spec) => ({
    name: [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText].join(' '),
    state: spec.State,
    message: spec.Failure?.Message ?? '',
  }));
  const names = (states: string[]): string[] =>
    specs.filter(({ state }) => states.includes(state)).map(({ name }) => name);
  const passed = names(['passed']);
  const skipped = names(['skipped', 'pending']);
  const failures = specs.filter(({ state }) => !['passed', 'skipped', 'pending'].includes(state));
  return {
    passed,
    skipped,
    failed: failures.map(({ name }) => name),
    problems: [
      ...(passed.length === 0 ? ['no spec passed'] : []),
      ...failures.map(({ name, message }) => `failed: ${name}: ${message}`),
      ...skipped.filter((name) => !Object.hasOwn(allowedSkips, name)).map((name) => `skipped: ${name}`),
      ...Object.keys(allowedSkips)
        .filter((name) => !skipped.includes(name))
        .map((name) => `did not skip: ${name}`),
    ],
  };
}
