import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from '../helpers/cache.ts';
import { go, installCommand } from '../helpers/go.ts';

const SANITY_VERSION = 'v5.6.0';
/** As in descriptor/go.mod. */
const SPEC_VERSION = 'v1.13.0';

/** The path of csi-sanity, built when it is not in the cache. */
export function ensureSanity(): Promise<string> {
  return cached(`csi-sanity-${SANITY_VERSION}-${process.arch}`, (path) =>
    installCommand(`github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity@${SANITY_VERSION}`, path),
  );
}

/** The path of the official FileDescriptorProto of the CSI specification, as JSON. */
export function ensureOfficialDescriptor(): Promise<string> {
  return cached(`csi-descriptor-${SPEC_VERSION}.json`, async (path) => {
    const json = await go(['run', '.'], {}, join(import.meta.dirname, 'descriptor'));
    await writeFile(path, json);
  });
}

if (import.meta.main) await Promise.all([ensureSanity(), ensureOfficialDescriptor()]);
