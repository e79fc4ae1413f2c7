import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { fakeTerminal, noDaemons, type Result, runOnce } from './harness.ts';

const program = createProgram({ terminal: fakeTerminal(), daemons: noDaemons, exitCode: 0 });

/** Every command that does something, as the words that lead to it. */
function leaves(command: Command, path: string[] = []): { path: string[]; command: Command }[] {
  const visible = command.createHelp().visibleCommands(command);
  if (visible.length === 0) return [{ path, command }];
  return visible.flatMap((one) => leaves(one, [...path, one.name()]));
}

const all = leaves(program);
const groups = program
  .createHelp()
  .visibleCommands(program)
  .filter((one) => one.commands.length > 0)
  .map((command) => ({ path: [command.name()], command }));

describe('help', () => {
  it('of all commands is as it was', async () => {
    const paths = [{ path: [] }, ...groups, ...all].map(({ path }) => path);
    const texts = [];
    for (const path of paths) {
      const { code, out, err } = await runOnce([...path, '--help']);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      texts.push(`$ ${['berth', ...path].join(' ')} --help\n${out}`);
    }
    await expect(texts.join('\n')).toMatchFileSnapshot('golden/help.txt');
  });

  it.each([...groups, ...all].map(({ path, command }) => [path.join(' '), command] as const))(
    'of %s has an example',
    (path, command) => {
      let text = '';
      const writeOut = (part: string) => {
        text += part;
      };
      command.configureOutput({ writeOut });
      command.outputHelp();
      expect(text).toContain(`Examples:\n`);
      expect(text.slice(text.indexOf('Examples:'))).toContain(`berth ${path}`);
    },
  );

  it.each([[], ['volume'], ['disk'], ['config']])('is told when a command is missing: berth %s', async (...args) => {
    const { code, out, err } = await runOnce(args as string[]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('Usage: berth');
  });
});

it('--version prints the version', async () => {
  expect(await runOnce(['--version'])).toMatchObject({ code: 0, out: '0.1.0\n' });
});

const SIZE = /Expected a size such as 10Gi/;
const TOPOLOGY = /a topology value/;
const EMPTY = /Expected text that is not empty/;
const create = ['volume', 'create', 'x'];
const adopt = ['disk', 'adopt', 'x', '--pool', 'a', '--class', 'b', '--backend', 'btrfs'];

/** A wrong command line, and what is told. */
const WRONG: [string[], RegExp][] = [
  [['volum'], /unknown command 'volum' \(Did you mean volume\?\)/],
  [['volume', 'lsit'], /unknown command 'lsit' \(Did you mean list\?\)/],
  [['status', '--jsno'], /unknown option '--jsno' \(Did you mean --json\?\)/],
  [['status', 'extra'], /too many arguments for 'status'. Expected 0 arguments but got 1/],
  [['--socket', '', 'status'], EMPTY],
  [['status', '--socket'], /option '--socket <path>' argument missing/],
  [['status', '--timeout', '5'], /Expected a duration such as 500ms/],
  [['status', '--timeout', '0s'], /Expected a duration/],
  [['status', '--json=1'], /./],
  [['--kube', '--node', '', 'status'], EMPTY],
  [['--kube', '--kubeconfig', '', 'status'], EMPTY],
  [['--kube', '--context', '', 'status'], EMPTY],
  [['--kube', '--berth-namespace', '', 'status'], EMPTY],
  [['--node', 'n1', 'status'], /--node needs --kube/],
  [['--berth-namespace', 'x', 'status'], /--berth-namespace needs --kube/],
  [['explain', 'pvc', ''], EMPTY],
  [['explain', 'pvc', 'data', '--namespace', ''], EMPTY],
  [['node'], /required option '--config <file>' not specified/],
  [['node', '--config', ''], EMPTY],
  [['node', '--config', 'x', '--node-name', '-'], TOPOLOGY],
  [['node', '--config', 'x', '--zone', 'a b'], TOPOLOGY],
  [['node', '--config', 'x', '--region', 'a,b'], TOPOLOGY],
  [['controller'], /required option '--config <file>' not specified/],
  [['controller', '--config', ''], EMPTY],
  [['dev', '--dir', ''], EMPTY],
  [['dev', '--size', 'big'], SIZE],
  [['dev', '--volume', ''], EMPTY],
  [['dev', '--size-limit', '0'], SIZE],
  [['dev', '--listen', '127.0.0.1'], /Expected host:port/],
  [['dev', '--nfs-listen', '127.0.0.1:70000'], /Expected host:port/],
  [['dev', '--listen', '0.0.0.0:0'], /is open to others: say to whom with --allow/],
  [['dev', '--allow', '10.0.0.0/33'], /Expected a block of addresses/],
  [['dev', '--ttl', '3'], /Expected a duration/],
  [['disk', 'explain'], /missing required argument 'disk'/],
  [['disk', 'adopt', 'x', '--class', 'b', '--backend', 'c'], /required option '--pool <name>' not specified/],
  [[...adopt, '--pool', ''], EMPTY],
  [[...adopt, '--class', ''], EMPTY],
  [[...adopt, '--backend', ''], EMPTY],
  [[...adopt, '--digest', ''], EMPTY],
  [['pool', 'import', ''], EMPTY],
  [create, /required option '--size <size>' not specified/],
  [[...create, '--size', '-1'], SIZE],
  [[...create, '--size', '0'], SIZE],
  [[...create, '--size', '10GB'], SIZE],
  [[...create, '--size', '1Gi', '--class', ''], EMPTY],
  [[...create, '--size', '1Gi', '--fs', ''], EMPTY],
  [['volume', 'create', '', '--size', '1Gi'], EMPTY],
  [['volume', 'expand', 'x', '++1Gi'], SIZE],
  [['volume', 'expand', 'x', '+0'], SIZE],
  [['volume', 'clone', 'a', 'b', '--size', ''], SIZE],
  [['volume', 'clone', 'a', 'b', '--fs', ''], EMPTY],
  [['volume', 'clone', 'a'], /missing required argument 'name'/],
  [['volume', 'mount', 'x', ''], EMPTY],
  [['volume', 'mount', 'x', '/m', '--options', 'a,,b'], /Expected words, separated by commas/],
  [['volume', 'stats'], /missing required argument 'volume'/],
  [['job', 'cancel', 'a', 'b'], /too many arguments/],
  [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish/],
  [['config', 'check'], /missing required argument 'file'/],
];

describe('a wrong command line', () => {
  it.each(WRONG)('%j', async (args, expected) => {
    const { code, out, err } = await runOnce(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^berth: USAGE_INVALID: .*\n {2}hint: See `berth --help`, or --help after the command\.\n$/);
    expect(err).toMatch(expected);
  });

  it('is tried for every option that takes a value', () => {
    const options = [{ path: [] as string[], command: program as Command }, ...all].flatMap(({ path, command }) =>
      command.options.filter((option) => option.required).map((option) => ({ path, flag: option.long! })),
    );
    const untried = options.filter(
      ({ path, flag }) =>
        !WRONG.some(([args]) => path.every((word, index) => args[index] === word) && args.includes(flag)),
    );
    expect(untried).toEqual([]);
  });
});

describe('without a daemon', () => {
  it.each(['status', 'volume list', 'job watch', 'volume create x --size 1Gi'])('%s ends with 3', async (command) => {
    const { code, err, out } = await runOnce(['--socket', '/nonexistent/admin.sock', ...command.split(' ')]);
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toBe(
      'berth: DAEMON_UNREACHABLE: no berth daemon answers on /nonexistent/admin.sock: there is no such socket\n' +
        '  hint: Start `berth node` or `berth dev`, or name its socket with --socket or BERTH_SOCKET.\n',
    );
  });
});

describe('daemons and config', () => {
  let dir: string;
  let good: string;
  let bad: string;

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'berth-usage-'));
    good = join(dir, 'good.yaml');
    bad = join(dir, 'bad.yaml');
    writeFileSync(good, 'pools: [{ name: a, class: c, backend: image, directory: /a }]');
    writeFileSync(bad, 'nodes: {}\nhttp: 5\n');
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it('node runs with the config, and its exit code is the exit code', async () => {
    const pools: string[] = [];
    const daemons = {
      ...noDaemons,
      runNode: async (config: { pools: readonly { name: string }[] }) => {
        pools.push(...config.pools.map(({ name }) => name));
        return 7;
      },
    };
    expect((await runOnce(['node', '--config', good], {}, daemons)).code).toBe(7);
    expect(pools).toEqual(['a']);
  });

  it.each(['node --config', 'config check'])('%s lists everything that is wrong and ends with 2', async (command) => {
    const { code, err } = await runOnce([...command.split(' '), bad]);
    expect(code).toBe(2);
    expect(err).toBe(
      `berth: CONFIG_INVALID: ${bad} has 2 problem(s):\n` +
        '  line 1: nodes: not a key that Berth knows; did you mean node?\n' +
        '  line 2: http: expected a map, found the number 5\n' +
        '  hint: Correct the file; `berth config check` repeats the test.\n',
    );
  });

  it('dev gets its options', async () => {
    const runs: unknown[] = [];
    const daemons = { ...noDaemons, runDev: async (options: unknown) => runs.push(options) - 1 };
    await runOnce(['dev'], {}, daemons);
    await runOnce(['dev', '--dir', '/x', '--size', '2Gi', '--clean'], {}, daemons);
    const where = ['--nfs-listen', '[::1]:7', '--allow', '10.0.0.0/8', '--allow', '::1/128'];
    const what = ['--volume', 'a', '--volume', 'b', '--size-limit', '1Gi', '--ttl', '2h'];
    await runOnce(['dev', '--dir', '/x', ...where, ...what], {}, daemons);
    expect(runs).toEqual([
      { allow: [], volumes: [], clean: false },
      { dir: '/x', sizeBytes: 2n << 30n, allow: [], volumes: [], clean: true },
      {
        dir: '/x',
        listen: '[::1]:7',
        allow: ['10.0.0.0/8', '::1/128'],
        volumes: ['a', 'b'],
        sizeLimitBytes: 1n << 30n,
        ttlMs: 7_200_000,
        clean: false,
      },
    ]);
  });

  it('config check says what is right', async () => {
    expect((await runOnce(['config', 'check', good])).out).toBe(`${good} is right, with pool a\n`);
    const json = await runOnce(['config', 'check', good, '--json']);
    expect(JSON.parse(json.out)).toEqual({ file: good, valid: true, pools: ['a'] });
  });

  it('config schema prints a JSON Schema', async () => {
    const { out }: Result = await runOnce(['config', 'schema']);
    expect(JSON.parse(out)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' });
  });
});
