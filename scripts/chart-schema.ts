/**
 * Writes the schema of the Helm chart's values, the pools as in the config file's schema; with --check it only compares.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { schema as config } from '../src/config/schema.ts';

const FILE = new URL('../deploy/helm/berth/values.schema.json', import.meta.url);

const dnsLabel = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/)
  .max(40);
const dnsSubdomain = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/)
  .max(253);
const image = z.string().regex(/^\S+[:@]\S+$/);
const texts = z.record(z.string(), z.string());
/** Shapes that are Kubernetes' own, and checked by it. */
const kubernetes = z.record(z.string(), z.unknown());
const resources = z.strictObject({ requests: kubernetes.optional(), limits: kubernetes.optional() });
const wanted = z.enum(['auto', 'always', 'never']);

const group = z.strictObject({
  name: dnsLabel.optional().describe('Part of the DaemonSet: berth-node-<name>. One group may have none.'),
  nodeSelector: texts.optional().describe('Node labels. Required as soon as there are several groups.'),
  pools: config.shape.pools,
});

const storageClass = z.strictObject({
  enabled: z.boolean().default(true),
  default: z.boolean().default(false).describe('Whether it serves the claims that name no class.'),
  reclaimPolicy: z.enum(['Delete', 'Retain']).default('Delete'),
  volumeBindingMode: z.enum(['WaitForFirstConsumer', 'Immediate']).default('WaitForFirstConsumer'),
  allowVolumeExpansion: z.boolean().default(true),
  mountOptions: z.array(z.string().min(1)).optional(),
  parameters: texts.describe('What Berth and the sidecars read; poolClass names the class of the pools.'),
});

const values = z.strictObject({
  image: z.union([z.literal(''), image]).describe('Of Berth; with a tag or a digest. Empty: berth:<appVersion>.'),
  sidecarImages: z.strictObject({ provisioner: image, resizer: image, snapshotter: image }),
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
  imagePullSecrets: z.array(z.strictObject({ name: dnsSubdomain })),
  logLevel: config.shape.log.unwrap().shape.level,
  listenAddress: z.enum(['0.0.0.0', '[::]']).describe('Of the pods: [::] where there is only IPv6.'),
  kubeletDir: z
    .string()
    .regex(/^(\/[^/\s]+)+$/)
    .max(76) // the socket's path below it has at most 107 bytes
    .describe("The kubelet's --root-dir."),
  groups: z.array(group).min(1).describe('One DaemonSet for each group of nodes that have the same disks.'),
  node: z.strictObject({
    resources,
    tolerations: z.array(kubernetes),
    priorityClassName: dnsSubdomain,
    maxUnavailable: z.union([z.int().min(1), z.string().regex(/^([1-9]\d?|100)%$/)]),
  }),
  controller: z.strictObject({
    replicas: z.int().min(1).max(9),
    resources,
    sidecarResources: resources,
    nodeSelector: texts,
    tolerations: z.array(kubernetes),
    priorityClassName: dnsSubdomain,
  }),
  storageClasses: z.record(dnsSubdomain, storageClass),
  snapshots: wanted,
  groupSnapshots: wanted,
  dev: z
    .strictObject({
      enabled: z.boolean(),
      defaultClass: z.boolean(),
      directory: z.string().regex(/^(\/[^/\s]+)+$/),
      nfsPort: z.int().min(1).max(65_535),
      allow: z
        .array(z.union([z.cidrv4(), z.cidrv6()]))
        .min(1)
        .describe('Blocks of addresses.'),
    })
    .describe('Throwaway volumes, ReadWriteMany by NFS.'),
  networkPolicy: z.strictObject({ enabled: z.boolean() }),
  uninstall: z.strictObject({ force: z.boolean() }),
  global: z.unknown().optional().describe('Of a chart that has this one as its part.'),
});

const text = `${JSON.stringify(z.toJSONSchema(values, { io: 'input' }), null, 2)}\n`;

if (process.argv.includes('--check')) {
  const current = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
  if (current !== text) {
    console.log('deploy/helm/berth/values.schema.json is not that of scripts/chart-schema.ts: run `npm run docs`');
    process.exitCode = 1;
  }
} else {
  writeFileSync(FILE, text);
}
