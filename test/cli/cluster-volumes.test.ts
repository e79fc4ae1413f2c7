import type { V1PersistentVolume, V1Pod } from '@kubernetes/client-node';
import { expect, it } from 'vitest';
import { clusterNodeTable, clusterVolumeTable } from '../../src/cli/commands/cluster-views.ts';
import { joinNodes } from '../../src/cluster/nodes.ts';
import { joinVolumes } from '../../src/cluster/volumes.ts';
import { fakePool, fakeVolume } from '../admin/fake-service.ts';
import { fakeTerminal, NOW } from './harness.ts';

const pv = (name: string, handle: string, node: string, phase = 'Bound'): V1PersistentVolume => ({
  metadata: { name },
  spec: {
    csi: { driver: 'csi.berth.dev', volumeHandle: handle },
    claimRef: { namespace: 'db', name: `data-${name}` },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.berth.dev/node', operator: 'In', values: [node] }] }],
      },
    },
  },
  status: { phase },
});

const pod = (name: string, claim: string, phase = 'Running'): V1Pod => ({
  metadata: { namespace: 'db', name },
  spec: { containers: [], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: claim } }] },
  status: { phase },
});

const checked = (number: number, name: string) => {
  const volume = fakeVolume(number, { name });
  const bytes = { total: volume.sizeBytes, used: volume.sizeBytes / 4n, available: (volume.sizeBytes / 4n) * 3n };
  return { volume, usage: { bytes }, problems: [] };
};

const one = checked(1, 'pvc-1');
const two = checked(2, 'pvc-2');
const stray = checked(3, 'stray');
const inline = checked(4, 'inline volume csi-1');
const answers = [
  { node: 'n1', value: [one, two, stray, inline] },
  { node: 'n2', error: { code: 'NODE_UNREACHABLE', message: 'its pod waits' } },
  { node: 'n3', value: [] },
];

it('joins volumes with PersistentVolumes, claims and pods, and marks what lacks its other half', async () => {
  const pvs = [
    pv('pvc-1', one.volume.id, 'n1'),
    pv('pvc-2', two.volume.id, 'n1', 'Released'),
    pv('pvc-5', 'p.5', 'n2'),
    pv('pvc-6', 'p.6', 'n3'),
    pv('pvc-7', 'p.7', 'n4'),
  ];
  const pods = [pod('pg', 'data-pvc-1'), pod('job', 'data-pvc-1', 'Succeeded'), pod('old', 'data-pvc-5')];
  const rows = joinVolumes(answers, pvs, pods);
  expect(rows.map(({ node, pv, pods, note }) => [node, pv, pods.join(), note?.split(':')[0]])).toEqual([
    ['n1', 'pvc-1', 'db/pg', undefined],
    ['n1', 'pvc-2', '', 'retained'],
    ['n1', undefined, '', 'orphan'],
    ['n1', undefined, '', 'inline volume of a pod'],
    ['n2', 'pvc-5', 'db/old', 'unknown'],
    ['n3', 'pvc-6', '', 'lost'],
    ['n4', 'pvc-7', '', 'away'],
  ]);
  await expect(clusterVolumeTable(fakeTerminal(), rows)).toMatchFileSnapshot('golden/cluster-volume-list.txt');
});

it('calls nothing an orphan when PersistentVolumes may not be read', () => {
  expect(joinVolumes(answers, undefined, []).map(({ note }) => note)).toEqual(Array(4).fill(undefined));
});

it('shows nodes with what is wrong with them, and those that hold data without a daemon', async () => {
  const status = {
    version: '0.1.0',
    mode: 'node',
    node: 'n1',
    zone: '',
    region: '',
    startedAt: NOW - 60_000,
    csi_socket: '',
    http_listen: '',
    ready: true,
    problems: ['pool bulk is lost: gone'],
    running_jobs: 0,
    pools: [fakePool(), fakePool({ name: 'bulk', state: 'lost', reason: 'gone' })],
  };
  const nodes = joinNodes(
    [
      { node: 'n1', value: status },
      { node: 'n2', error: { code: 'NODE_UNREACHABLE', message: 'its pod waits: CrashLoopBackOff' } },
    ],
    new Map([
      ['n1', 'berth-node-a'],
      ['n2', 'berth-node-b'],
    ]),
    ['n1', 'n4', 'n4'],
    [
      { metadata: { name: 'n1' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } },
      {
        metadata: { name: 'n2' },
        spec: { unschedulable: true, taints: [{ key: 'berth.dev/not-ready', effect: 'NoSchedule' }] },
      },
    ],
  );
  expect(nodes.map(({ node }) => node)).toEqual(['n1', 'n2', 'n4']);
  await expect(clusterNodeTable(fakeTerminal(), nodes)).toMatchFileSnapshot('golden/cluster-node-list.txt');
});
