import { cached } from './cache.ts';
import { installCommand } from './go.ts';

const VERSION = 'v3.22.0';

/** The path of helm, built when it is not in the cache: 75 s. */
export function ensureHelm(): Promise<string> {
  return cached(`helm-${VERSION}-${process.arch}`, (path) =>
    installCommand(`helm.sh/helm/v3/cmd/helm@${VERSION}`, path),
  );
}

if (import.meta.main) console.log(await ensureHelm());
