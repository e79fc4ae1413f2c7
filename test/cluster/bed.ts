import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { callOn, runScript } from './call.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';

const UP_LIMIT_MS = 300_000;

export interface BedOptions {
  nodes: number;
  /** Every node gets these disks: name and size, such as `{ fast: '4G' }`. */
  disks?: Record<string, string>;
  /** Whether the nodes get Berth's image and those of the sidecars. */
  berth?: boolean;
  /** Whether the API server writes down every request but watches, on node1 as `audit`. */
  audit?: boolean;
}

const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [{ level: 'None', verbs: ['watch'] }, { level: 'Metadata' }],
};

/** A running Kubernetes of several nodes, `node1` and so on; the control plane is on node1. */
export interface Bed {
  /** Goes away with the bed. admin.kubeconfig is in it; it serves on node1. */
  readonly folder: string;
  readonly nodes: readonly string[];
  readonly kubectl: Kubectl;
  node(name: string): BedNode;
  /** Adds the definitions and the controller that snapshots need beside a driver's sidecar. */
  startSnapshotController(): Promise<void>;
  /** Takes everything away; throws when something is left. */
  stop(): Promise<void>;
}

export interface BedNode {
  /** The loop device that is the node's disk of that name. */
  disk(name: string): string;
  /** Runs a program in the node's namespaces; returns what it prints. */
  run(...command: string[]): Promise<string>;
  /** What a process of the node (`kubelet`, `containerd`, `kube-proxy`; on node1 `kube-apiserver` and so on) has logged. */
  log(process: string): string;
  stop(process: string, signal?: string): Promise<void>;
  /** Ends it, if it runs, and starts it as before. */
  restart(process: string, signal?: string): Promise<void>;
  /** SIGKILL to the first process of a container, by the id in a pod's status: `containerd://…`. */
  killContainer(id: string): Promise<void>;
  /** Gives an image a second name. */
  tagImage(image: string, name: string): Promise<void>;
  /** Gives the node another address in 10.77.0.0/24. */
  readdress(address: string): Promise<void>;
  /** Ends all that runs on it and all mounts, and starts it again with what is on its disks. Not for node1. */
  reboot(): Promise<void>;
  /** Cuts the node off from all others, and joins it again. */
  unplug(): Promise<void>;
  plug(): Promise<void>;
  /** Resident bytes by process. */
  memory(): Promise<Record<string, number>>;
}

/** Starts a bed in the folder that lib.bash has made. */
export async function startBed({ nodes: count, disks = {}, berth = false, audit = false }: BedOptions): Promise<Bed> {
  const folder = process.env['BED_STATE'];
  if (folder === undefined) throw new Error('BED_STATE is not set: tests of the cluster are run by their .sh');
  if (berth) await runScript('berth-image', []);
  if (audit) writeFileSync(join(folder, 'audit.yaml'), JSON.stringify(AUDIT_POLICY)); // JSON is YAML
  const sizes = Object.entries(disks).map(([name, size]) => `${name}:${size}`);
  await runScript('up', [String(count), ...sizes], { timeoutMs: UP_LIMIT_MS });
  return {
    folder,
    nodes: Array.from({ length: count }, (_, index) => `node${index + 1}`),
    kubectl: createKubectl((args, options) => callOn('node1', ['kube', ...args], options)),
    node: (name) => bedNode(join(folder, name), name),
    startSnapshotController: async () => void (await callOn('node1', ['start_snapshot_controller'])),
    stop: async () => void (await runScript('down', [])),
  };
}

function bedNode(folder: string, name: string): BedNode {
  const call = async (...args: string[]): Promise<void> => void (await callOn(name, args));
  return {
    disk: (disk) => readFileSync(join(folder, 'disks', disk), 'utf8').trim(),
    run: (...command) => callOn(name, ['in_node', ...command]),
    log: (process) => readFileSync(join(folder, 'log', `${process}.log`), 'utf8'),
    stop: (process, signal = 'TERM') => call('stop', process, signal),
    restart: (process, signal = 'TERM') => call('restart', process, signal),
    killContainer: (id) => call('ctr', 'tasks', 'kill', '--signal', 'SIGKILL', id.replace(/^.*:\/\//, '')),
    tagImage: (image, name) => call('ctr', 'images', 'tag', image, name),
    readdress: (address) => call('readdress', address),
    reboot: () => call('reboot'),
    unplug: () => call('unplug'),
    plug: () => call('plug'),
    async memory() {
      const lines = (await callOn(name, ['memory'])).trim().split('\n');
      return Object.fromEntries(lines.map((line) => line.split(' ')).map(([key, kib]) => [key, Number(kib) * 1024]));
    },
  };
}
