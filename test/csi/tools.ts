import { execFile } from 'node:child_process';
import { rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from '../helpers/cache.ts';

const runFile = promisify(execFile);
const BUILD_TIMEOUT_MS = 600_000;
const SANITY_VERSION = 'v5.6.0';
/** As in descriptor/go.mod. */
const SPEC_VERSION = 'v1.13.0';

/** The path of csi-sanity, built when it is not in the cache. */
export function ensureSanity(): Promise<string> {
  return cached(`csi-sanity-${SANITY_VERSION}-${process.arch}`, async (path) => {
    const module = `github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity@${SANITY_VERSION}`;
    await go(['install', module], { GOBIN: dirname(path) });
    await rename(join(dirname(path), 'csi-sanity'), path);
  });
}

/** The path of the official FileDescriptorProto of the CSI specification, as JSON. */
export function ensureOfficialDescriptor(): Promise<string> {
  return cached(`csi-descriptor-${SPEC_VERSION}.json`, async (path) => {
    const json = await go(['run', '.'], {}, join(import.meta.dirname, 'descriptor'));
    await writeFile(path, json);
  });
}

async function go(args: string[], env: Record<string, string>, cwd?: string): Promise<string> {
  const { stdout } = await runFile('go', args, {
    env: { ...process.env, ...env },
    timeout: BUILD_TIMEOUT_MS,
    maxBuffer: 64 << 20,
    ...(cwd === undefined ? {} : { cwd }),
  });
  return stdout;
}

if (import.meta.main) await Promise.all([ensureSanity(), ensureOfficialDescriptor()]);
