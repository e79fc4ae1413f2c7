/**
 * Renders the Helm chart to dist/manifests/berth.yaml, for `kubectl apply`. Nothing asks there before an uninstall.
 * usage: node scripts/manifests.ts [ARGUMENT OF helm template...]     such as --values FILE, --set snapshots=always
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureHelm } from '../test/helpers/helm.ts';

const NAMESPACE = 'berth-system';
const root = join(import.meta.dirname, '..');
const file = join(root, 'dist/manifests/berth.yaml');

/** Unlike the chart, whose namespace helm makes. The node daemon is privileged. */
const namespace = `---
apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: privileged
`;

const chart = execFileSync(
  await ensureHelm(),
  [
    ...['template', 'berth', join(root, 'deploy/helm/berth'), '--namespace', NAMESPACE, '--no-hooks'],
    ...['--kube-version', '1.35.0'],
    ...process.argv.slice(2),
  ],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
);

mkdirSync(join(file, '..'), { recursive: true });
writeFileSync(file, namespace + chart);
console.log(file);
