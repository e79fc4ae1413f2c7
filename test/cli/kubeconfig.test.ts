import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectApi } from '../../src/cluster/api.ts';

const TIMEOUT = { timeoutMs: 1_000 };
const unusable = (problem: RegExp) =>
  expect.objectContaining({ code: 'KUBE_CONFIG_UNUSABLE', message: expect.stringMatching(problem) });

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'berth-kubeconfig-'));
  vi.stubEnv('HOME', dir);
  vi.stubEnv('KUBECONFIG', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});

test('where there is no kubeconfig, that is said', () => {
  expect(() => connectApi(TIMEOUT)).toThrow(unusable(/there is none: neither KUBECONFIG nor/));
});

test.each([
  ['', /is empty/],
  ['{}', /names no cluster/],
  ['clusters: [', /./],
])('a kubeconfig of %j is refused', (text, problem) => {
  const kubeconfig = join(dir, 'config');
  writeFileSync(kubeconfig, text);
  expect(() => connectApi({ ...TIMEOUT, kubeconfig })).toThrow(unusable(problem));
});

test('a context that is not in it is refused, with those that are', () => {
  const kubeconfig = join(dir, 'config');
  const cluster = { name: 'c', cluster: { server: 'https://127.0.0.1:1' } };
  const context = { name: 'home', context: { cluster: 'c', user: 'u' } };
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: [cluster],
      contexts: [context],
      users: [{ name: 'u', user: {} }],
      'current-context': 'home',
    }),
  );
  expect(() => connectApi({ ...TIMEOUT, kubeconfig, context: 'work' })).toThrow(
    unusable(/no context work; it has home/),
  );
  expect(connectApi({ ...TIMEOUT, kubeconfig }).namespace).toBe('default');
});
