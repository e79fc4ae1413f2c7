import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { completionScripts } from '../../src/cli/completion/scripts.ts';
import { run } from '../../src/host/run.ts';
import { fakeVolume } from '../admin/fake-service.ts';
import { type Lab, openLab, runOnce } from './harness.ts';

// A process takes a while to start on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 });

let lab: Lab;

beforeEach(async () => {
  lab = await openLab({ volumes: [fakeVolume(1, { name: 'data' }), fakeVolume(2, { name: "it's a log" })] });
});
afterEach(() => lab.close());

const complete = async (...words: string[]) =>
  (await lab.berth(['__complete', '--', ...words])).out.split('\n').filter((line) => line !== '');

describe('candidates', () => {
  it.each([
    [['vol'], ['volume']],
    [
      ['volume', 's'],
      ['show', 'snapshot', 'stats'],
    ],
    [
      ['volume', 'create', 'x', '--s'],
      ['--size', '--socket'],
    ],
    [['--j'], ['--json']],
    [['--socket', '/x', 'vol'], ['volume']],
    [
      ['completion', ''],
      ['bash', 'fish', 'zsh'],
    ],
    [['volume', 'create', '--size', ''], []],
    [['nonsense', 'x'], []],
    [['__c'], []],
    [
      ['volume', 'show', ''],
      ['data', "it's a log"],
    ],
    [['volume', 'expand', 'data', ''], []],
    [['volume', 'stats', 'data', 'd'], ['data']],
    [['pool', 'show', ''], ['nvme']],
    [['disk', 'explain', 'n'], ['nvme-eui.0025385b71b0a1c2']],
  ])('%j', async (words, expected) => expect(await complete(...words)).toEqual(expected));

  it('are what is known without a daemon', async () => {
    expect(await runOnce(['--socket', '/nonexistent', '__complete', '--', 'volume', 'show', ''])).toMatchObject({
      code: 0,
      out: '',
      err: '',
    });
  });
});

describe('scripts', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'berth-complete-'));
    for (const [shell, text] of Object.entries(completionScripts)) writeFileSync(join(dir, shell), text);
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('are what the command prints', async () => {
    for (const [shell, text] of Object.entries(completionScripts)) {
      expect((await runOnce(['completion', shell])).out).toBe(text);
    }
  });

  it('bash loads its own', async () => {
    await run('bash', ['-n', join(dir, 'bash')], { timeoutMs: 5_000 });
    const { stdout } = await run('bash', ['-c', `source ${dir}/bash && complete -p berth`], { timeoutMs: 5_000 });
    expect(stdout).toBe('complete -o default -F _berth berth\n');
  });

  it('bash completes commands, and names with spaces and quotes', async () => {
    symlinkSync(resolve('bin/berth'), join(dir, 'berth'));
    const ask = async (...words: string[]) => {
      const script = `export BERTH_SOCKET="$2"; source "$1/bash"; PATH="$1:$PATH"; shift 2
        COMP_WORDS=(berth "$@"); COMP_CWORD=$#; _berth; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout } = await run('bash', ['-c', script, '-', dir, lab.socket, ...words], { timeoutMs: 10_000 });
      return stdout.trim().split('\n');
    };
    expect(await ask('volume', 'sn')).toEqual(['snapshot']);
    expect(await ask('volume', 'show', '')).toEqual(['data', "it\\'s\\ a\\ log"]);
  });

  it.each(['zsh', 'fish'] as const)('%s loads its own', async (shell) => {
    if (!['/bin', '/usr/bin', '/usr/local/bin'].some((folder) => existsSync(join(folder, shell)))) return;
    await run(shell, ['-n', join(dir, shell)], { timeoutMs: 5_000 });
  });
});
