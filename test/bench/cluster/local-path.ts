import { copyFileSync, mkdirSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Bed } from '../../cluster/bed.ts';
import { runScript } from '../../cluster/call.ts';
import { BUSYBOX } from '../../cluster/pods.ts';
import { cached } from '../../helpers/cache.ts';
import { go } from '../../helpers/go.ts';
import { CLASSES } from './variants.ts';

/** The newest whose checksum Go's database has. */
const VERSION = 'v0.0.30';
const NAME = 'local-path-provisioner';
const IMAGE = `docker.io/rancher/${NAME}:${VERSION}`;
const NAMESPACE = 'local-path-storage';
/** Of the node's own /var/lib, which is memory. */
const FOLDER = '/var/lib/local-path';
export const LOCAL_PATH_USER = `system:serviceaccount:${NAMESPACE}:${NAME}`;

/** Built in a minute when it is not in the cache. */
const ensureBinary = (): Promise<string> =>
  cached(`${NAME}-${VERSION}-${process.arch}`, async (path) => {
    const env = { GOBIN: dirname(path), CGO_ENABLED: '0' };
    await go(['install', '-ldflags', '-s -w', `github.com/rancher/${NAME}@${VERSION}`], env);
    await rename(join(dirname(path), NAME), path);
  });

/** rancher's local-path-provisioner as it is deployed by default, its folders and images apart. */
export async function installLocalPath({ folder, kubectl }: Bed): Promise<void> {
  const root = join(folder, 'local-path');
  const archive = join(folder, 'local-path.tar');
  mkdirSync(root);
  copyFileSync(await ensureBinary(), join(root, NAME));
  await runScript('mkimage', [archive, root, JSON.stringify({ Entrypoint: [`/${NAME}`] }), IMAGE]);
  await runScript('call', ['import_image', archive]);
  await kubectl.apply(...objects());
  await kubectl.run('rollout', 'status', `deployment/${NAME}`, '-n', NAMESPACE, '--timeout=120s');
}

function objects(): object[] {
  const metadata = { name: NAME, namespace: NAMESPACE };
  const rbac = 'rbac.authorization.k8s.io/v1';
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: NAME };
  const subjects = [{ kind: 'ServiceAccount', ...metadata }];
  const rule = (group: string, resources: string[], verbs: string[]): object => ({
    apiGroups: [group],
    resources,
    verbs,
  });
  const read = ['get', 'list', 'watch'];
  const write = ['create', 'patch', 'update', 'delete'];
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      apiVersion: rbac,
      kind: 'ClusterRole',
      metadata: { name: NAME },
      rules: [
        rule('', ['nodes', 'persistentvolumeclaims', 'configmaps', 'pods/log'], read),
        rule('', ['pods', 'persistentvolumes'], [...read, ...write]),
        rule('', ['events'], ['create', 'patch']),
        rule('storage.k8s.io', ['storageclasses'], read),
      ],
    },
    { apiVersion: rbac, kind: 'ClusterRoleBinding', metadata: { name: NAME }, roleRef, subjects },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...metadata, name: 'local-path-config' }, data: config() },
    deployment(),
    ...Object.entries(CLASSES['local-path']).map(([binding, name]) => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name },
      provisioner: 'rancher.io/local-path',
      volumeBindingMode: binding === 'waiting' ? 'WaitForFirstConsumer' : 'Immediate',
    })),
  ];
}

const config = (): Record<string, string> => ({
  'config.json': JSON.stringify({ nodePathMap: [{ node: 'DEFAULT_PATH_FOR_NON_LISTED_NODES', paths: [FOLDER] }] }),
  setup: '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n',
  teardown: '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n',
  'helperPod.yaml': JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'helper-pod' },
    spec: {
      priorityClassName: 'system-node-critical',
      containers: [{ name: 'helper-pod', image: BUSYBOX, imagePullPolicy: 'IfNotPresent' }],
    },
  }),
});

function deployment(): object {
  const labels = { app: NAME };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: NAME, namespace: NAMESPACE },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: NAME,
          containers: [
            {
              name: NAME,
              image: IMAGE,
              imagePullPolicy: 'IfNotPresent',
              args: ['start', '--config', '/etc/config/config.json', '--service-account-name', NAME],
              env: [
                { name: 'POD_NAMESPACE', value: NAMESPACE },
                { name: 'CONFIG_MOUNT_PATH', value: '/etc/config/' },
              ],
              volumeMounts: [{ name: 'config', mountPath: '/etc/config' }],
            },
          ],
          volumes: [{ name: 'config', configMap: { name: 'local-path-config' } }],
        },
      },
    },
  };
}
