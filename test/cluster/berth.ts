import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureHelm } from '../helpers/helm.ts';
import { until } from '../helpers/until.ts';
import type { Bed } from './bed.ts';
import type { Pod } from './pods.ts';

const CHART = join(import.meta.dirname, '../../deploy/helm/berth');
export const NAMESPACE = 'berth-system';
const DRIVER = 'csi.berth.dev';
const INSTALL_LIMIT = '180s';
const SERVE_LIMIT_MS = 60_000;

/** Berth in a cluster, installed with its Helm chart. */
export interface Installation {
  /** A new image, other values. */
  upgrade(...args: string[]): Promise<string>;
  /** Back to what was before the last upgrade. */
  rollback(): Promise<void>;
  /** Throws when the chart refuses. */
  uninstall(): Promise<void>;
  /** Requires that the chart refuses to go. */
  failToUninstall(): Promise<void>;
  /** The node daemon's pod. */
  daemon(node: string): Promise<Pod>;
  /** `berth … --json` in the daemon's pod of that node. */
  berth<T>(node: string, ...args: string[]): Promise<T>;
}

/** Two pools on every node of a bed with disks `fast` and `bulk`: `fast` is btrfs, `bulk` has images on xfs. */
const groupOf = (bed: Bed, name: string): object => ({
  name,
  nodeSelector: { 'kubernetes.io/hostname': name },
  pools: (['btrfs', 'image'] as const).map((backend) => {
    const pool = backend === 'btrfs' ? 'fast' : 'bulk';
    return { name: pool, class: pool, backend, disks: [{ path: bed.node(name).disk(pool), allowLoop: true }] };
  }),
});

/** The classes `fast` and `bulk`, and others; `bulk` with xfs, since some machines cannot grow a mounted ext4. */
export const valuesFor = (bed: Bed, classes: object = {}): object => ({
  image: 'berth.dev/berth:test',
  groups: bed.nodes.map((name) => groupOf(bed, name)),
  storageClasses: {
    bulk: { enabled: true, parameters: { poolClass: 'bulk', 'csi.storage.k8s.io/fstype': 'xfs' } },
    ...classes,
  },
});

/** A class of the pools `fast` whose claims are bound without a pod. */
export const IMMEDIATE = { volumeBindingMode: 'Immediate', parameters: { poolClass: 'fast' } };

/** Installs Berth and waits until it is Ready everywhere and the kubelets know the driver. */
export async function installBerth(bed: Bed, values: object = valuesFor(bed)): Promise<Installation> {
  const command = await ensureHelm();
  const { kubectl } = bed;
  const environment = [
    `KUBECONFIG=${join(bed.folder, 'admin.kubeconfig')}`,
    ...['CACHE', 'CONFIG', 'DATA'].map((kind) => `HELM_${kind}_HOME=${join(bed.folder, 'helm')}`),
  ];
  const helm = (...args: string[]): Promise<string> =>
    bed.node('node1').run('env', ...environment, command, ...args, '--namespace', NAMESPACE);
  const daemon = async (node: string): Promise<Pod> => {
    const pods = await kubectl.list<Pod>('pods', '-n', NAMESPACE, '-l', 'app.kubernetes.io/component=node');
    const pod = pods.find(({ spec }) => spec.nodeName === node);
    if (pod === undefined) throw new Error(`there is no pod of the node daemon on ${node}`);
    return pod;
  };

  const file = join(bed.folder, 'values.json');
  writeFileSync(file, JSON.stringify(values)); // JSON is YAML
  await helm('install', 'berth', CHART, '--create-namespace', '--values', file, '--wait', '--timeout', INSTALL_LIMIT);
  for (const node of bed.nodes) await driverIsKnown(bed, node);
  const uninstall = async (): Promise<void> => void (await helm('uninstall', 'berth', '--wait'));
  return {
    upgrade: (...args) => helm('upgrade', 'berth', CHART, '--reuse-values', '--wait', ...args),
    rollback: async () => void (await helm('rollback', 'berth', '--wait')),
    uninstall,
    async failToUninstall() {
      const refused = await uninstall().then(
        () => false,
        () => true,
      );
      if (!refused) throw new Error('it was uninstalled');
    },
    daemon,
    async berth<T>(node: string, ...args: string[]) {
      const { metadata } = await daemon(node);
      return JSON.parse(
        await kubectl.run('exec', '-n', NAMESPACE, metadata.name, '--', 'berth', ...args, '--json'),
      ) as T;
    },
  };
}

const driverIsKnown = ({ kubectl }: Bed, node: string): Promise<void> =>
  until(
    `the kubelet of ${node} knows ${DRIVER}`,
    async () => {
      const { spec } = await kubectl.get<{ spec: { drivers?: { name: string }[] | null } }>('csinode', node);
      return spec.drivers?.some(({ name }) => name === DRIVER) ?? false;
    },
    SERVE_LIMIT_MS,
  );
