import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fakeVolume } from '../admin/fake-service.ts';
import { type Lab, openLab } from './harness.ts';

/** The real program in a process of its own, against a daemon in this one. */
// A process takes a while to start on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 });

let lab: Lab;

beforeEach(async () => {
  lab = await openLab({ volumes: [fakeVolume(1, { name: 'data' })] });
});
afterEach(() => lab.close());

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

async function execute(file: string, args: readonly string[], input = '', env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = spawn(file, args, { env: { ...process.env, BERTH_SOCKET: lab.socket, ...env } });
  const ended: Ended = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (data: Buffer) => {
    ended.stdout += data;
  });
  child.stderr.on('data', (data: Buffer) => {
    ended.stderr += data;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  [ended.code] = (await once(child, 'close')) as [number | null];
  return ended;
}

const berth = (...args: string[]) => execute('bin/berth', args);

/** With a terminal on all three streams, as script(1) makes it. */
const onTerminal = (command: string, input = '', env: NodeJS.ProcessEnv = {}) =>
  execute('script', ['-qec', command, '/dev/null'], input, { NO_COLOR: '', TERM: 'xterm', ...env });

describe('the program', () => {
  it('does a tour, and ends with 0', async () => {
    expect(await berth('volume', 'create', 'db', '--size', '1Gi')).toEqual({
      code: 0,
      stdout: 'volume db of 1Gi is in pool nvme\n',
      stderr: '',
    });
    const { stdout } = await berth('volume', 'list', '--json');
    expect(JSON.parse(stdout).map(({ name }: { name: string }) => name)).toEqual(['data', 'db']);
    expect((await berth('volume', 'delete', 'db', '--yes')).code).toBe(0);
  });

  it('ends with 1, 2 and 3 as documented', async () => {
    expect(await berth('volume', 'show', 'nope')).toMatchObject({ code: 1, stdout: '' });
    expect(await berth('volume', 'shwo')).toMatchObject({ code: 2, stdout: '' });
    expect(await berth('volume', 'delete', 'data')).toMatchObject({ code: 2, stdout: '' });
    expect(await berth('status', '--socket', join(lab.dir, 'none'))).toMatchObject({ code: 3, stdout: '' });
  });

  it('runs through a symbolic link, from any folder', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'berth-link-'));
    try {
      symlinkSync(resolve('bin/berth'), join(dir, 'b1'));
      symlinkSync('b1', join(dir, 'b2'));
      expect(await execute('sh', ['-c', 'cd / && "$0" --version', join(dir, 'b2')])).toMatchObject({
        stdout: '0.1.0\n',
      });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('does not mind a reader that leaves early', async () => {
    lab.state.volumes = Array.from({ length: 3_000 }, (_, index) => fakeVolume(index + 1));
    const { code, stderr } = await execute('bash', ['-c', 'set -o pipefail; bin/berth volume list | head -1']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('tells a daemon that hangs up', async () => {
    lab.state.pending.set('createVolume', Number.POSITIVE_INFINITY);
    const waiting = berth('volume', 'create', 'x', '--size', '1Gi');
    await expect.poll(() => lab.state.calls.length).toBeGreaterThan(0);
    const socket = lab.socket;
    await lab.close();
    expect(await waiting).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`no berth daemon answers on ${socket}`),
    });
    lab = await openLab();
  });
});

describe.skipIf(!existsSync('/usr/bin/script'))('on a terminal', () => {
  it('colours, unless NO_COLOR forbids it', async () => {
    expect((await onTerminal('bin/berth pool list')).stdout).toContain('\u001b[32mready\u001b[39m');
    expect((await onTerminal('bin/berth pool list', '', { NO_COLOR: '1' })).stdout).not.toContain('\u001b[');
    expect((await berth('pool', 'list')).stdout).not.toContain('\u001b[');
  });

  it.each([
    ['y\n', 0, []],
    ['n\n', 2, ['data']],
    ['\n', 2, ['data']],
    ['\u0004', 2, ['data']],
  ])('asks before it deletes, and takes %j for an answer', async (input, code, left) => {
    const { stdout, code: exitCode } = await onTerminal('bin/berth volume delete data', input);
    expect(stdout).toContain('Delete volume data of 1Gi in pool nvme and all its data? [y/N]');
    expect(exitCode).toBe(code);
    expect(lab.state.volumes.map(({ name }) => name)).toEqual(left);
  });
});
