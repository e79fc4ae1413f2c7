import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { clusterNodeJson, clusterVolumeJson } from '../../src/cli/output/cluster-json.ts';
import {
  checkJson,
  explanationJson,
  jobJson,
  poolJson,
  snapshotJson,
  statusJson,
  volumeJson,
} from '../../src/cli/output/json.ts';
import { createProgram } from '../../src/cli/program.ts';
import { explainClaim } from '../../src/cluster/explain/explain.ts';
import type { ClaimFacts } from '../../src/cluster/explain/facts.ts';
import { configJsonSchema, parseConfig } from '../../src/config/index.ts';
import { fakeDisk } from '../admin/fake-backend.ts';
import { CREATED_AT, fakePool, fakeVolume } from '../admin/fake-service.ts';
import { fakeTerminal, noDaemons } from './harness.ts';

const read = (name: string): string => readFileSync(new URL(`../../docs/reference/${name}`, import.meta.url), 'utf8');

describe('docs/reference/cli.md', () => {
  const text = read('cli.md');

  it('has every command and option', () => {
    const program = createProgram({ terminal: fakeTerminal(), daemons: noDaemons, exitCode: 0 });
    const wordsOf = (command: Command): string[] => [
      command.name(),
      ...command
        .createHelp()
        .visibleOptions(command)
        .map(({ long }) => long!),
      ...command.createHelp().visibleCommands(command).flatMap(wordsOf),
    ];
    const missing = wordsOf(program).filter((word) => !new RegExp(`(^|[\\s\`[(])${word}\\b`, 'm').test(text));
    expect(missing).toEqual([]);
  });

  const job = {
    id: '1',
    poolName: 'p',
    kind: 'copy',
    subject: 's',
    state: 'done',
    doneBytes: 0n,
    totalBytes: 0n,
    startedAt: 0,
  } as const;
  const status = {
    version: '',
    mode: '',
    node: '',
    zone: '',
    region: '',
    startedAt: CREATED_AT,
    csi_socket: '',
    http_listen: '',
    ready: true,
    problems: [],
    running_jobs: 0,
    pools: [],
  };
  const emptyFacts: ClaimFacts = {
    claim: { metadata: { namespace: 'db', name: 'data' } },
    classes: undefined,
    volume: undefined,
    pods: undefined,
    events: undefined,
    driverInstalled: undefined,
    csiNodes: undefined,
    nodes: undefined,
    capacities: undefined,
    quotas: undefined,
    daemons: [],
    controllers: [],
    source: undefined,
    unread: [],
  };
  const usage = { total: 0n, used: 0n, available: 0n };

  it.each([
    ['Volume', volumeJson(fakeVolume(1))],
    ['Snapshot', snapshotJson({ id: '', name: '', sourceVolumeId: '', sizeBytes: 0n, createdAt: 0, ready: true })],
    ['Usage', checkJson({ volume: fakeVolume(1), usage: { bytes: usage, inodes: usage }, problems: [] })],
    ['Pool', poolJson(fakePool())],
    ['Disk', explanationJson({ disk: fakeDisk(), explanation: '', facts: {} })],
    ['Job', jobJson(job)],
    ['Status', statusJson(status)],
    ['ClusterVolume', clusterVolumeJson({ pods: [] })],
    ['ClusterNode', clusterNodeJson({ node: 'n1' })],
    ['Explanation', explainClaim(emptyFacts)],
  ])('describes exactly the keys of %s', (heading, value) => {
    const section = text.split('### ').find((part) => part.startsWith(`${heading}\n`))!;
    const rows = section.split('\n').filter((line) => line.startsWith('| `'));
    const described = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, key]) => key!));
    expect(described.toSorted()).toEqual(Object.keys(value).toSorted());
  });
});

describe('docs/reference/config.md', () => {
  const text = read('config.md');

  it('describes every key', () => {
    interface Node {
      properties?: Record<string, Node>;
      items?: Node;
    }
    const keysOf = ({ properties = {}, items }: Node): string[] => [
      ...Object.entries(properties).flatMap(([key, node]) => [key, ...keysOf(node)]),
      ...(items === undefined ? [] : keysOf(items)),
    ];
    const missing = keysOf(configJsonSchema()).filter(
      (key) => !new RegExp(`[\`.]${key}[\`.]|^${key}:`, 'm').test(text),
    );
    expect(missing).toEqual([]);
  });

  it('has examples that are right', () => {
    const examples = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml]) => yaml!);
    expect(examples.map((yaml) => parseConfig(yaml, 'config.md').pools.length)).toEqual([2, 2]);
  });
});
