import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BerthError } from '../../src/errors.ts';
import type { CreateVolume, VolumeService } from '../../src/volumes/model.ts';
import { createFakeVolumes, type FakeVolumes } from './fake-volumes.ts';
import { type Served, serveForTest } from './serve-fake.ts';

const MODE = { access_mode: { mode: 'SINGLE_NODE_MULTI_WRITER' } };
const mount = (values: object = {}) => ({ mount: values, ...MODE });
const topology = {
  segments: {
    'topology.berth.dev/node': 'n1',
    'topology.berth.dev/zone': 'z1',
    'topology.berth.dev/region': 'r1',
  },
};
const elsewhere = { segments: { 'topology.berth.dev/node': 'n2' } };

let service: FakeVolumes;
let served: Served;
let ready: boolean;
beforeEach(async () => {
  ready = true;
  service = createFakeVolumes({ makePaths: false });
  served = await serveForTest(service, { ready: () => ready });
});
afterEach(() => served.stop());

const call = (rpc: string, request?: object) => served.client.call(rpc, request);
const refused = (rpc: string, request: object) =>
  call(rpc, request).catch((error) => `${error.status} ${error.message}`);

/** Puts another method into the service for the test, and gives what it was called with. */
function spy<Name extends keyof VolumeService>(name: Name, answer: unknown): unknown[] {
  const requests: unknown[] = [];
  (service as unknown as Record<string, unknown>)[name] = async (request: unknown) => {
    requests.push(request);
    return answer;
  };
  return requests;
}

async function createVolume(request: object = {}): Promise<{ volume_id: string; capacity_bytes: string }> {
  const { volume } = await served.client.call<{ volume: { volume_id: string; capacity_bytes: string } }>(
    'CreateVolume',
    {
      name: 'data',
      volume_capabilities: [mount()],
      ...request,
    },
  );
  return volume;
}

describe('Identity', () => {
  test('tells who it is and what it can do', async () => {
    expect(await call('GetPluginInfo')).toMatchObject({ name: 'csi.berth.dev', vendor_version: '1.2.3' });
    expect(await call('GetPluginCapabilities')).toMatchObject({
      capabilities: [
        { service: { type: 'CONTROLLER_SERVICE' } },
        { service: { type: 'VOLUME_ACCESSIBILITY_CONSTRAINTS' } },
        { service: { type: 'GROUP_CONTROLLER_SERVICE' } },
        { volume_expansion: { type: 'ONLINE' } },
      ],
    });
  });
  test('is not ready while pools open', async () => {
    ready = false;
    expect(await call('Probe')).toEqual({ ready: { value: false } });
    ready = true;
    expect(await call('Probe')).toEqual({ ready: { value: true } });
  });
});

test('capabilities are those of a local driver', async () => {
  const types = async (rpc: string): Promise<string[]> => {
    const { capabilities } = await served.client.call<{ capabilities: { rpc: { type: string } }[] }>(rpc);
    return capabilities.map((capability) => capability.rpc.type);
  };
  const controller = await types('ControllerGetCapabilities');
  expect(controller).toContain('SINGLE_NODE_MULTI_WRITER');
  expect(controller).not.toContain('UNKNOWN'); // a misspelt name would become it
  expect(controller).not.toContain('PUBLISH_UNPUBLISH_VOLUME');
  expect(controller).not.toContain('MODIFY_VOLUME');
  const node = await types('NodeGetCapabilities');
  expect(node).toContain('SINGLE_NODE_MULTI_WRITER');
  expect(node).not.toContain('UNKNOWN');
  expect(await types('GroupControllerGetCapabilities')).toEqual(['CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT']);
});

describe('CreateVolume', () => {
  test('passes on what it understood', async () => {
    const original = service.createVolume;
    let seen: CreateVolume | undefined;
    service.createVolume = (request, context) => {
      seen = request;
      return original(request, context);
    };
    const volume = await createVolume({
      capacity_range: { required_bytes: '67108864', limit_bytes: '134217728' },
      volume_capabilities: [mount({ fs_type: 'xfs', mount_flags: ['noatime'] })],
      parameters: { poolClass: 'fast', thin: 'true', 'csi.storage.k8s.io/pv/name': 'pv' },
      accessibility_requirements: { requisite: [topology], preferred: [topology] },
    });
    expect(seen).toEqual({
      name: 'data',
      size: { requiredBytes: 67108864n, limitBytes: 134217728n },
      capabilities: [
        {
          access: { kind: 'mount', fsType: 'xfs', mountOptions: ['noatime'], group: undefined },
          mode: 'SINGLE_NODE_MULTI_WRITER',
        },
      ],
      parameters: { poolClass: 'fast', thin: true, nodatacow: false },
      source: undefined,
    });
    expect(volume).toMatchObject({ capacity_bytes: '67108864', accessible_topology: [topology], content_source: null });
  });

  test('echoes the content source', async () => {
    const source = await createVolume();
    const { snapshot } = await served.client.call<{ snapshot: { snapshot_id: string } }>('CreateSnapshot', {
      name: 's',
      source_volume_id: source.volume_id,
    });
    const clone = { volume: { volume_id: source.volume_id } };
    const restore = { snapshot: { snapshot_id: snapshot.snapshot_id } };
    expect(await createVolume({ name: 'clone', volume_content_source: clone })).toMatchObject({
      content_source: clone,
    });
    expect(await createVolume({ name: 'restore', volume_content_source: restore })).toMatchObject({
      content_source: restore,
    });
  });

  test.each([
    ['FIELD_MISSING: name', { name: '' }],
    ['FIELD_MISSING: volume_capabilities', { volume_capabilities: [] }],
    ['FIELD_MISSING: volume_content_source.type', { volume_content_source: {} }],
    ['FIELD_MISSING: volume_content_source.snapshot.snapshot_id', { volume_content_source: { snapshot: {} } }],
    ['FIELD_INVALID: capacity_range.required_bytes', { capacity_range: { required_bytes: -1 } }],
    ['FIELD_INVALID: name', { name: 'x'.repeat(129) }],
    ['PARAMETER_UNKNOWN: parameter berth.dev/x', { parameters: { 'berth.dev/x': '' } }],
    ['MUTABLE_PARAMETERS_UNSUPPORTED: mutable parameter iops', { mutable_parameters: { iops: '1' } }],
    [
      'CAPABILITY_UNSUPPORTED: volume capability: a volume is',
      { volume_capabilities: [mount(), { block: {}, ...MODE }] },
    ],
    ['FIELD_MISSING: accessibility_requirements.requisite', { accessibility_requirements: {} }],
  ])('INVALID_ARGUMENT %s', async (message, fields) => {
    const answer = await refused('CreateVolume', { name: 'data', volume_capabilities: [mount()], ...fields });
    expect(answer).toMatch(`INVALID_ARGUMENT ${message}`);
  });

  test('elsewhere it is RESOURCE_EXHAUSTED, so that the provisioner reschedules', async () => {
    const request = {
      name: 'data',
      volume_capabilities: [mount()],
      accessibility_requirements: { requisite: [elsewhere] },
    };
    expect(await refused('CreateVolume', request)).toMatch(/^RESOURCE_EXHAUSTED TOPOLOGY_ELSEWHERE/);
  });
});

describe('GetCapacity', () => {
  test('has the largest and the smallest volume', async () => {
    expect(await call('GetCapacity', { accessible_topology: topology })).toEqual({
      available_capacity: '1099511627776',
      maximum_volume_size: { value: '1099511627776' },
      minimum_volume_size: { value: '1048576' },
    });
  });
  const none = { available_capacity: '0', maximum_volume_size: { value: '0' }, minimum_volume_size: null };
  test('is nothing elsewhere', async () => {
    expect(await call('GetCapacity', { accessible_topology: elsewhere })).toEqual(none);
  });
  test('takes the file system of a raw StorageClass into account', async () => {
    const parameters = { 'csi.storage.k8s.io/fstype': 'ntfs', 'csi.storage.k8s.io/pvc/name': 'x' };
    expect(await call('GetCapacity', { parameters })).toMatchObject({ available_capacity: '0' });
  });
  test.each(['POOL_CLASS_UNKNOWN', 'CAPABILITY_UNSUPPORTED'] as const)('is nothing after %s', async (code) => {
    service.capacity = async () => {
      throw new BerthError(code, { class: 'c', classes: 'd', problem: 'p' });
    };
    expect(await call('GetCapacity', {})).toEqual(none);
  });
  test('refuses unknown parameters all the same', async () => {
    expect(await refused('GetCapacity', { parameters: { x: '' } })).toMatch(/^INVALID_ARGUMENT PARAMETER_UNKNOWN/);
  });
});

describe('ValidateVolumeCapabilities', () => {
  const validate = async (request: object) => {
    const { volume_id } = await createVolume();
    return call('ValidateVolumeCapabilities', { volume_id, volume_capabilities: [mount()], ...request });
  };
  test('confirms by an echo', async () => {
    const request = {
      volume_context: { a: 'b' },
      volume_capabilities: [mount({ fs_type: 'ext4' })],
      parameters: { thin: 'false' },
    };
    expect(await validate(request)).toMatchObject({ confirmed: request, message: '' });
  });
  test.each([
    [
      'MULTI_NODE_MULTI_WRITER is not possible',
      { volume_capabilities: [{ ...mount(), access_mode: { mode: 'MULTI_NODE_MULTI_WRITER' } }] },
    ],
    ['mount option suid', { volume_capabilities: [mount({ mount_flags: ['suid'] })] }],
    ['mount option inode64', { volume_capabilities: [mount({ mount_flags: ['inode64'] })] }],
    ['parameter x', { parameters: { x: '' } }],
    ['the volume has another thin', { parameters: { thin: 'true' } }],
    ['the volume has another poolClass', { parameters: { poolClass: 'other' } }],
    ['mutable parameter x', { mutable_parameters: { x: '' } }],
  ])('does not confirm: %s', async (message, request) => {
    const answer = await validate(request);
    expect(answer).toMatchObject({ confirmed: null, message: expect.stringContaining(message) });
    expect(Buffer.byteLength(String(answer['message']))).toBeLessThanOrEqual(128);
  });
  test('a malformed request is refused before the volume is looked up', async () => {
    expect(await refused('ValidateVolumeCapabilities', { volume_id: 'none' })).toMatch(/^INVALID_ARGUMENT/);
    expect(await refused('ValidateVolumeCapabilities', { volume_id: 'none', volume_capabilities: [{}] })).toMatch(
      /^INVALID_ARGUMENT/,
    );
    expect(await refused('ValidateVolumeCapabilities', { volume_id: 'none', volume_capabilities: [mount()] })).toMatch(
      /^NOT_FOUND/,
    );
  });
});

describe('expansion', () => {
  test('tells the size and whether the node has to act', async () => {
    const { volume_id } = await createVolume();
    const request = { volume_id, capacity_range: { required_bytes: 128 << 20 }, volume_capability: mount() };
    expect(await call('ControllerExpandVolume', request)).toEqual({
      capacity_bytes: String(128 << 20),
      node_expansion_required: true,
    });
  });
  test.each([{}, { capacity_range: {} }, { capacity_range: { required_bytes: -1 } }])(
    'needs a range, not %j',
    async (fields) => {
      expect(await refused('ControllerExpandVolume', { volume_id: 'v', ...fields })).toMatch(/^INVALID_ARGUMENT/);
    },
  );
  test('on the node passes the range on', async () => {
    const requests = spy('expandNode', { sizeBytes: 7n });
    const request = { volume_id: 'v', volume_path: '/a//b', capacity_range: { limit_bytes: 9 } };
    expect(await call('NodeExpandVolume', request)).toEqual({ capacity_bytes: '7' });
    expect(requests).toEqual([{ id: 'v', path: '/a/b', size: { requiredBytes: 0n, limitBytes: 9n } }]);
  });
});

describe('snapshots', () => {
  test('tell time, size and readiness', async () => {
    const snapshot = { id: 's', name: 'n', sourceVolumeId: 'v', sizeBytes: 5n, createdAt: 1_234, ready: false };
    spy('getSnapshot', snapshot);
    expect(await call('GetSnapshot', { snapshot_id: 's' })).toEqual({
      snapshot: {
        snapshot_id: 's',
        source_volume_id: 'v',
        size_bytes: '5',
        creation_time: { seconds: '1', nanos: 234_000_000 },
        ready_to_use: false,
        group_snapshot_id: '',
        accessible_topology: [],
      },
    });
  });
  test('are made here or nowhere', async () => {
    const { volume_id } = await createVolume();
    const request = { name: 's', source_volume_id: volume_id, accessibility_requirements: { requisite: [elsewhere] } };
    expect(await refused('CreateSnapshot', request)).toMatch(/^RESOURCE_EXHAUSTED TOPOLOGY_ELSEWHERE/);
    expect(await refused('CreateSnapshot', { name: 's', source_volume_id: 'none', parameters: { x: '' } })).toMatch(
      /^INVALID_ARGUMENT PARAMETER_UNKNOWN/,
    );
  });
  test('of an unknown id or source are an empty list', async () => {
    expect(await call('ListSnapshots', { snapshot_id: 'none' })).toEqual({ entries: [], next_token: '' });
    expect(await call('ListSnapshots', { source_volume_id: 'none' })).toEqual({ entries: [], next_token: '' });
  });
});

describe('groups', () => {
  test('have all members, each with the id of the group', async () => {
    const ids = [await createVolume({ name: 'a' }), await createVolume({ name: 'b' })].map(
      ({ volume_id }) => volume_id,
    );
    const created = await served.client.call<{ group_snapshot: { group_snapshot_id: string; snapshots: object[] } }>(
      'CreateVolumeGroupSnapshot',
      { name: 'g', source_volume_ids: ids, parameters: { 'csi.storage.k8s.io/x': '' } },
    );
    const { group_snapshot_id, snapshots } = created.group_snapshot;
    expect(snapshots).toEqual(
      ids.map((id) => expect.objectContaining({ source_volume_id: id, group_snapshot_id, ready_to_use: true })),
    );
    expect(await call('GetVolumeGroupSnapshot', { group_snapshot_id })).toEqual(created);
    expect(await refused('GetVolumeGroupSnapshot', { group_snapshot_id, snapshot_ids: ['x'] })).toMatch(/^INVALID_ARG/);
    expect(await refused('DeleteVolumeGroupSnapshot', { group_snapshot_id, snapshot_ids: ['x'] })).toMatch(/^INVALID/);
    expect(await call('DeleteVolumeGroupSnapshot', { group_snapshot_id })).toEqual({});
    expect(await call('DeleteVolumeGroupSnapshot', { group_snapshot_id })).toEqual({});
  });
  test.each([[[]], [['a', 'a']], [['']]])('of %j are refused', async (source_volume_ids) => {
    expect(await refused('CreateVolumeGroupSnapshot', { name: 'g', source_volume_ids })).toMatch(/^INVALID_ARGUMENT/);
  });
});

describe('staging and publishing', () => {
  test('pass on paths, access and read-only', async () => {
    const staged = spy('stageVolume', undefined);
    const published = spy('publishVolume', undefined);
    const request = { volume_id: 'v', staging_target_path: '/s/', volume_capability: mount({ mount_flags: ['rw'] }) };
    await call('NodeStageVolume', request);
    await call('NodePublishVolume', { ...request, target_path: '/t//x', readonly: true });
    const capability = {
      access: { kind: 'mount', fsType: '', mountOptions: [], group: undefined },
      mode: 'SINGLE_NODE_MULTI_WRITER',
    };
    expect(staged).toEqual([{ id: 'v', stagingPath: '/s', capability }]);
    expect(published).toEqual([{ id: 'v', stagingPath: '/s', targetPath: '/t/x', capability, readOnly: true }]);
  });

  test.each([
    { volume_capability: mount({ mount_flags: ['ro'] }) },
    { volume_capability: { mount: {}, access_mode: { mode: 'SINGLE_NODE_READER_ONLY' } } },
  ])('%j is read-only, whatever the flag says', async (fields) => {
    const published = spy('publishVolume', undefined);
    await call('NodePublishVolume', { volume_id: 'v', staging_target_path: '/s', target_path: '/t', ...fields });
    expect(published).toMatchObject([{ readOnly: true }]);
  });

  test('an option that needs a file system of its own depends on the volume', async () => {
    const { volume_id } = await createVolume({ volume_capabilities: [mount({ fs_type: 'xfs' })] });
    const request = { volume_id, staging_target_path: '/s' };
    const context = 'context="a:b:c:d"';
    expect(await call('NodeStageVolume', { ...request, volume_capability: mount({ mount_flags: [context] }) })).toEqual(
      {},
    );
    expect(
      await refused('NodeStageVolume', { ...request, volume_capability: mount({ mount_flags: ['commit=5'] }) }),
    ).toMatch(/^INVALID_ARGUMENT MOUNT_OPTION_REFUSED: mount option commit is not allowed for xfs/);
    const real = await service.getVolume(volume_id, { deadline: 0, requestId: '' });
    spy('getVolume', { ...real, backend: 'btrfs', content: 'btrfs' });
    expect(
      await refused('NodeStageVolume', { ...request, volume_capability: mount({ mount_flags: [context] }) }),
    ).toMatch(/^INVALID_ARGUMENT MOUNT_OPTION_REFUSED: mount option context /);
  });

  const complete = { volume_id: 'v', staging_target_path: '/s', target_path: '/t', volume_capability: mount() };
  test.each([
    ['NodeStageVolume', 'volume_id', 'INVALID_ARGUMENT'],
    ['NodeStageVolume', 'staging_target_path', 'INVALID_ARGUMENT'],
    ['NodeStageVolume', 'volume_capability', 'INVALID_ARGUMENT'],
    ['NodeUnstageVolume', 'staging_target_path', 'INVALID_ARGUMENT'],
    ['NodePublishVolume', 'target_path', 'INVALID_ARGUMENT'],
    ['NodePublishVolume', 'volume_capability', 'INVALID_ARGUMENT'],
    ['NodePublishVolume', 'staging_target_path', 'FAILED_PRECONDITION'],
    ['NodeUnpublishVolume', 'target_path', 'INVALID_ARGUMENT'],
  ])('%s without %s is %s', async (rpc, field, status) => {
    expect(await refused(rpc, { ...complete, [field]: undefined })).toMatch(`${status} `);
  });

  test('usage is in bytes and, for a file system, in inodes', async () => {
    const bytes = { total: 10n, used: 3n, available: 7n };
    spy('volumeStats', { bytes, inodes: { total: 5n, used: 1n, available: 4n } });
    const request = { volume_id: 'v', volume_path: 'some/path' };
    expect(await call('NodeGetVolumeStats', request)).toEqual({
      usage: [
        { unit: 'BYTES', total: '10', used: '3', available: '7' },
        { unit: 'INODES', total: '5', used: '1', available: '4' },
      ],
    });
    spy('volumeStats', { bytes });
    expect(await call('NodeGetVolumeStats', request)).toMatchObject({ usage: [{ unit: 'BYTES' }] });
  });

  test('the node tells its place', async () => {
    expect(await call('NodeGetInfo')).toEqual({
      node_id: 'n1',
      max_volumes_per_node: '0',
      accessible_topology: topology,
    });
  });
});

test.each(['ControllerPublishVolume', 'ControllerUnpublishVolume', 'ControllerModifyVolume', 'GetMetadataAllocated'])(
  '%s is not offered',
  async (rpc) => {
    expect(await refused(rpc, {})).toMatch(/^UNIMPLEMENTED ./);
  },
);
