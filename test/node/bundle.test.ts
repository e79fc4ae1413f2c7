import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../src/host/run.ts';
import { until } from '../helpers/until.ts';

const ROOT = join(import.meta.dirname, '../..');
const limit = { timeoutMs: 60_000 };

let dir: string;
let bundle: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'berth-bundle-test-'));
  await run(process.execPath, [join(ROOT, 'scripts/build.ts'), join(dir, 'dist')], limit);
  bundle = join(dir, 'dist/berth.mjs');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('the bundle knows its version', async () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect((await run(process.execPath, [bundle, '--version'], limit)).stdout.trim()).toBe(manifest.version);
});

test('the bundle alone serves a pool: its thread, the native calls and the proto files are there', async () => {
  const data = join(dir, 'data');
  const daemon = spawn(process.execPath, [bundle, 'dev', '--dir', data, '--size', '1Gi'], { cwd: dir, stdio: 'pipe' });
  const ended = once(daemon, 'exit');
  let output = '';
  for (const stream of [daemon.stdout, daemon.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const berth = (...args: string[]) =>
    run(process.execPath, [bundle, '--socket', join(data, 'admin.sock'), ...args], limit);
  try {
    await until(
      () => `the daemon is up: ${output}`,
      () => output.includes('Ctrl-C'),
    );
    await berth('volume', 'create', 'demo', '--size', '64Mi');
    expect((await berth('volume', 'list')).stdout).toContain('demo');
  } finally {
    daemon.kill('SIGINT');
    expect((await ended)[0]).toBe(0);
  }
});
