import type { V1PersistentVolumeClaim, V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { explainClaim } from '../../src/cluster/explain/explain.ts';
import type { ClaimFacts } from '../../src/cluster/explain/facts.ts';
import type { PoolStatus } from '../../src/volumes/model.ts';
import { fakePool } from '../admin/fake-service.ts';

const GIB = 1n << 30n;
const POOL_ID = '11111111-1111-4111-8111-111111111111';
const HANDLE = `${POOL_ID}.22222222-2222-4222-8222-222222222222`;

const claim = (spec: object = {}, more: object = {}): V1PersistentVolumeClaim =>
  ({
    metadata: { namespace: 'db', name: 'data', uid: 'u1', ...more },
    spec: {
      storageClassName: 'fast',
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '2Gi' } },
      ...spec,
    },
    status: { phase: 'Pending' },
  }) as V1PersistentVolumeClaim;

const storageClass = (name: string, more: object = {}) => ({
  metadata: { name },
  provisioner: 'csi.berth.dev',
  volumeBindingMode: 'WaitForFirstConsumer',
  parameters: { poolClass: 'fast' },
  ...more,
});

const pod = (spec: object = {}, status: object = {}, metadata: object = {}): V1Pod =>
  ({ metadata: { namespace: 'db', name: 'pg', ...metadata }, spec: { containers: [], ...spec }, status }) as V1Pod;

const unscheduledPod = (spec: object = {}): V1Pod =>
  pod(spec, { conditions: [{ type: 'PodScheduled', status: 'False', message: '0/2 nodes are available' }] });

const node = (name: string, spec: object = {}) => ({
  metadata: { name, labels: { 'kubernetes.io/hostname': name } },
  spec,
  status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: new Date() }] },
});

const pool = (changes: Partial<PoolStatus> = {}): PoolStatus =>
  fakePool({
    id: POOL_ID,
    name: 'fast',
    class: 'fast',
    state: 'ready',
    reason: undefined,
    totalBytes: 10n * GIB,
    reserveBytes: 0n,
    availableBytes: 5n * GIB,
    blockVolumes: false,
    ...changes,
  });

const daemon = (name: string, ...pools: PoolStatus[]): ClaimFacts['daemons'][number] =>
  ({ node: name, value: { pools } }) as ClaimFacts['daemons'][number];

const silent = (name: string): ClaimFacts['daemons'][number] => ({
  node: name,
  error: { code: 'NODE_UNREACHABLE', message: 'its pod waits: CrashLoopBackOff' },
});

/** A claim that a pod uses, in a cluster where all is well. */
const facts = (changes: Partial<ClaimFacts> = {}): ClaimFacts =>
  ({
    claim: claim(),
    classes: [storageClass('fast')],
    volume: undefined,
    pods: [pod()],
    events: [],
    driverInstalled: true,
    csiNodes: ['n1', 'n2'].map((name) => ({ metadata: { name }, spec: { drivers: [{ name: 'csi.berth.dev' }] } })),
    nodes: [node('n1'), node('n2')],
    capacities: [],
    quotas: [],
    daemons: [daemon('n1', pool()), daemon('n2', pool({ id: undefined }))],
    controllers: [{ name: 'controller-1' }],
    source: undefined,
    unread: [],
    ...changes,
  }) as ClaimFacts;

const volume = (more: object = {}): ClaimFacts['volume'] =>
  ({
    metadata: { name: 'pvc-u1' },
    spec: {
      csi: { driver: 'csi.berth.dev', volumeHandle: HANDLE },
      claimRef: { namespace: 'db', name: 'data', uid: 'u1' },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'topology.berth.dev/node', operator: 'In', values: ['n1'] }] },
          ],
        },
      },
      ...more,
    },
  }) as ClaimFacts['volume'];

const boundClaim = (): V1PersistentVolumeClaim => ({
  ...claim({ volumeName: 'pvc-u1' }),
  status: { phase: 'Bound' },
});
const bound = (changes: Partial<ClaimFacts> = {}): ClaimFacts =>
  facts({ claim: boundClaim(), volume: volume(), pods: [pod({ nodeName: 'n1' })], ...changes });

const event = (message: string) => ({
  type: 'Warning',
  reason: 'ProvisioningFailed',
  message,
  involvedObject: { kind: 'PersistentVolumeClaim', name: 'data' },
});

const small = (name: string) => daemon(name, pool({ availableBytes: GIB }));

const cases: [name: string, code: string, given: ClaimFacts, words: RegExp][] = [
  ['nothing is wrong', 'NOTHING_FOUND', facts(), /n1: pool fast has 5Gi free, 2Gi wanted/],
  ['bound', 'BOUND', bound(), /2Gi on node n1[\s\S]*used by pg on n1/],
  [
    'class missing',
    'CLASS_MISSING',
    facts({ claim: claim({ storageClassName: 'x' }) }),
    /no StorageClass x[\s\S]*fast/,
  ],
  ['no class asked for', 'CLASS_NONE', facts({ claim: claim({ storageClassName: '' }) }), /asks for no class/],
  [
    'no default class',
    'CLASS_NO_DEFAULT',
    facts({ claim: claim({ storageClassName: undefined }) }),
    /no default class/,
  ],
  [
    "another's class",
    'CLASS_NOT_BERTH',
    facts({ classes: [storageClass('fast', { provisioner: 'x.y' }) as never] }),
    /x\.y/,
  ],
  ['no pod yet', 'WAITS_FOR_POD', facts({ pods: [] }), /Nothing is wrong so far/],
  [
    'no pod, quota used up',
    'WAITS_FOR_POD',
    facts({ pods: [], quotas: [{ metadata: { name: 'q' }, status: { hard: { pods: '3' }, used: { pods: '3' } } }] }),
    /quota q is used up: pods 3 of 3/,
  ],
  [
    'no room',
    'NO_ROOM',
    facts({ pods: [unscheduledPod()], daemons: [small('n1'), small('n2')] }),
    /n2: pool fast has 1Gi free, 2Gi wanted/,
  ],
  [
    'room on a node that does not answer',
    'NO_ROOM',
    facts({ daemons: [small('n1'), silent('n2')] }),
    /n2: does not answer: its pod waits/,
  ],
  [
    'room where the pod cannot go',
    'ROOM_WHERE_POD_CANNOT_GO',
    facts({
      pods: [unscheduledPod({ nodeSelector: { 'kubernetes.io/hostname': 'n1' } })],
      daemons: [small('n1'), daemon('n2', pool())],
    }),
    /which n2 does not have/,
  ],
  [
    'room on a cordoned node',
    'ROOM_WHERE_POD_CANNOT_GO',
    facts({
      nodes: [node('n1'), node('n2', { unschedulable: true })] as never,
      daemons: [small('n1'), daemon('n2', pool())],
    }),
    /n2 is cordoned/,
  ],
  [
    'room behind a taint',
    'ROOM_WHERE_POD_CANNOT_GO',
    facts({
      nodes: [node('n1'), node('n2', { taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] })] as never,
      daemons: [small('n1'), daemon('n2', pool())],
    }),
    /taint a=b:NoSchedule of n2/,
  ],
  [
    'room on a node that is starting',
    'ROOM_WHERE_POD_CANNOT_GO',
    facts({
      nodes: [node('n1', { taints: [{ key: 'berth.dev/not-ready', effect: 'NoSchedule' }] })] as never,
      daemons: [daemon('n1', pool())],
    }),
    /start-up taint/,
  ],
  [
    'larger than any pool',
    'TOO_LARGE',
    facts({ claim: claim({ resources: { requests: { storage: '64Gi' } } }) }),
    /more than any pool/,
  ],
  [
    'shared access',
    'ACCESS_MODE_UNSUPPORTED',
    facts({ claim: claim({ accessModes: ['ReadWriteMany'] }) }),
    /ReadWriteMany/,
  ],
  [
    'unknown parameter',
    'PARAMETER_UNKNOWN',
    facts({ classes: [storageClass('fast', { parameters: { poolClas: 'fast' } }) as never] }),
    /poolClas is not known/,
  ],
  [
    'refused by the driver',
    'POOL_UNAVAILABLE',
    facts({
      events: [event('rpc error: code = Unavailable desc = POOL_UNAVAILABLE: pool fast is lost: gone')] as never,
    }),
    /pool fast is lost: gone/,
  ],
  ['raw block', 'BLOCK_UNSUPPORTED', facts({ claim: claim({ volumeMode: 'Block' }) }), /raw block/],
  [
    'a pool class that is nowhere',
    'POOL_CLASS_NOWHERE',
    facts({ classes: [storageClass('fast', { parameters: { poolClass: 'x' } }) as never] }),
    /no node has a pool of class x/,
  ],
  [
    'source missing',
    'SOURCE_MISSING',
    facts({ source: { kind: 'VolumeSnapshot', name: 's', state: 'missing' } }),
    /VolumeSnapshot s/,
  ],
  [
    'source not ready',
    'SOURCE_NOT_READY',
    facts({ source: { kind: 'VolumeSnapshot', name: 's', state: 'pending', message: 'busy' } }),
    /busy/,
  ],
  [
    'source on another node',
    'SOURCE_ELSEWHERE',
    facts({
      source: { kind: 'PersistentVolumeClaim', name: 's', state: 'ready', handle: HANDLE },
      pods: [pod({ nodeSelector: { 'kubernetes.io/hostname': 'n2' } })],
    }),
    /on node n1/,
  ],
  [
    'source away',
    'SOURCE_AWAY',
    facts({
      source: { kind: 'VolumeSnapshot', name: 's', state: 'ready', handle: HANDLE },
      daemons: [silent('n1'), daemon('n2', pool({ id: undefined }))],
    }),
    /no node has that answers/,
  ],
  ['driver not installed', 'DRIVER_NOT_INSTALLED', facts({ driverInstalled: false }), /csi\.berth\.dev/],
  [
    'controller down',
    'CONTROLLER_NOT_RUNNING',
    facts({ controllers: [{ name: 'c', problem: 'its pod c waits: ErrImagePull' }] }),
    /ErrImagePull/,
  ],
  [
    'no node registered',
    'NODE_NOT_REGISTERED',
    facts({ csiNodes: [{ metadata: { name: 'n1' }, spec: { drivers: [] } }] }),
    /kubelet of no node/,
  ],
  [
    'selected node full',
    'SELECTED_NODE_FULL',
    facts({
      claim: claim({}, { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } }),
      daemons: [small('n1'), daemon('n2', pool())],
    }),
    /n1 was chosen/,
  ],
  [
    'selected node silent',
    'SELECTED_NODE_SILENT',
    facts({
      claim: claim({}, { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } }),
      daemons: [silent('n1'), daemon('n2', pool())],
    }),
    /CrashLoopBackOff/,
  ],
  [
    'volume taken',
    'VOLUME_TAKEN',
    facts({
      claim: claim({ volumeName: 'pvc-u1' }),
      volume: volume({ claimRef: { namespace: 'db', name: 'old', uid: 'u0' } }),
    }),
    /belongs to claim db\/old/,
  ],
  ['volume gone', 'VOLUME_GONE', facts({ claim: claim({ volumeName: 'pvc-u1' }) }), /pvc-u1/],
  [
    'being deleted',
    'CLAIM_BEING_DELETED',
    facts({ claim: claim({}, { deletionTimestamp: new Date(), finalizers: ['kubernetes.io/pvc-protection'] }) }),
    /as long as pods use it: pg/,
  ],
  [
    'unschedulable for other reasons',
    'POD_UNSCHEDULABLE',
    facts({ pods: [unscheduledPod()] }),
    /0\/2 nodes are available/,
  ],
  ['bound, node gone', 'NODE_GONE', bound({ nodes: [node('n2')] as never }), /no longer in the cluster/],
  ['bound, node not Ready', 'NODE_NOT_READY', bound({ nodes: [{ ...node('n1'), status: {} }] as never }), /not Ready/],
  [
    'bound, node cordoned',
    'NODE_CORDONED',
    bound({ nodes: [node('n1', { unschedulable: true })] as never, pods: [unscheduledPod()] }),
    /cordoned/,
  ],
  ['bound, daemon silent', 'DAEMON_SILENT', bound({ daemons: [silent('n1')] }), /CrashLoopBackOff/],
  ['bound, no daemon', 'DAEMON_MISSING', bound({ daemons: [] }), /no daemon of Berth/],
  [
    'bound, pool lost',
    'POOL_NOT_READY',
    bound({ daemons: [daemon('n1', pool({ state: 'lost', reason: 'disk gone' }))] }),
    /pool fast is lost: disk gone/,
  ],
  [
    'bound, the pod of before still there',
    'POD_STILL_THERE',
    bound({ pods: [unscheduledPod(), pod({ nodeName: 'n1' }, {}, { name: 'old', deletionTimestamp: new Date() })] }),
    /pod old, which is being deleted/,
  ],
  ['bound, pod can go nowhere', 'POD_UNSCHEDULABLE', bound({ pods: [unscheduledPod()] }), /can go to no node/],
];

describe('explainClaim', () => {
  it.each(cases)('%s: %s', (_, code, given, words) => {
    const told = explainClaim(given);
    expect(told.code).toBe(code);
    expect([told.cause, ...told.advice, ...told.evidence].join('\n')).toMatch(words);
  });

  it('says what could not be read, and blames nothing on it', () => {
    const blind = facts({
      classes: undefined,
      pods: undefined,
      events: undefined,
      driverInstalled: undefined,
      csiNodes: undefined,
      nodes: undefined,
      capacities: undefined,
      quotas: undefined,
      daemons: [silent('n1')],
      unread: ['the nodes: forbidden'],
    });
    expect(explainClaim(blind)).toMatchObject({ code: 'NOTHING_FOUND', unread: ['the nodes: forbidden'] });
  });

  it('tells what else would stand in the way, once each', () => {
    const { code, also } = explainClaim(
      facts({ claim: claim({ accessModes: ['ReadWriteMany'] }), pods: [], daemons: [] }),
    );
    expect({ code, count: also.length }).toEqual({ code: 'ACCESS_MODE_UNSUPPORTED', count: 1 });
  });
});
