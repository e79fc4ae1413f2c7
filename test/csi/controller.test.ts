import { describe, expect, test } from 'vitest';
import { BerthError } from '../../src/errors.ts';
import type { CreateVolume } from '../../src/volumes/model.ts';
import { blockCapability, elsewhere, mountCapability, topology, useWire } from './wire.ts';

const { call, createVolume, refused, service, spy } = useWire();

describe('CreateVolume', () => {
  test('passes on what it understood', async () => {
    const original = service().createVolume;
    let seen: CreateVolume | undefined;
    service().createVolume = (request, context) => {
      seen = request;
      return original(request, context);
    };
    const volume = await createVolume({
      capacity_range: { required_bytes: '67108864', limit_bytes: '134217728' },
      volume_capabilities: [mountCapability({ fs_type: 'xfs', mount_flags: ['noatime'] })],
      parameters: { poolClass: 'fast', thin: 'true', 'csi.storage.k8s.io/pv/name': 'pv' },
      mutable_parameters: { readBytesPerSecond: '1Mi' },
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
      ioLimits: { readBytesPerSecond: 1_048_576 },
      source: undefined,
    });
    expect(volume).toMatchObject({ capacity_bytes: '67108864', accessible_topology: [topology], content_source: null });
  });

  test('echoes the content source', async () => {
    const source = await createVolume();
    const { snapshot } = await call<{ snapshot: { snapshot_id: string } }>('CreateSnapshot', {
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
    ['PARAMETER_UNKNOWN: parameter iops', { mutable_parameters: { iops: '1' } }],
    [
      'CAPABILITY_UNSUPPORTED: volume capability: a volume is',
      { volume_capabilities: [mountCapability(), blockCapability] },
    ],
    ['FIELD_MISSING: accessibility_requirements.requisite', { accessibility_requirements: {} }],
  ])('INVALID_ARGUMENT %s', async (message, fields) => {
    const answer = await refused('CreateVolume', { name: 'data', volume_capabilities: [mountCapability()], ...fields });
    expect(answer).toMatch(`INVALID_ARGUMENT ${message}`);
  });

  test('elsewhere it is RESOURCE_EXHAUSTED, so that the provisioner reschedules', async () => {
    const request = {
      name: 'data',
      volume_capabilities: [mountCapability()],
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
    service().capacity = async () => {
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
    return call('ValidateVolumeCapabilities', { volume_id, volume_capabilities: [mountCapability()], ...request });
  };
  test('confirms by an echo', async () => {
    const request = {
      volume_context: { a: 'b' },
      volume_capabilities: [mountCapability({ fs_type: 'ext4' })],
      parameters: { thin: 'false' },
    };
    expect(await validate(request)).toMatchObject({ confirmed: request, message: '' });
  });
  test.each([
    [
      'MULTI_NODE_MULTI_WRITER is not possible',
      { volume_capabilities: [{ ...mountCapability(), access_mode: { mode: 'MULTI_NODE_MULTI_WRITER' } }] },
    ],
    ['mount option suid', { volume_capabilities: [mountCapability({ mount_flags: ['suid'] })] }],
    ['mount option inode64', { volume_capabilities: [mountCapability({ mount_flags: ['inode64'] })] }],
    ['parameter x', { parameters: { x: '' } }],
    ['the volume has another thin', { parameters: { thin: 'true' } }],
    ['the volume has another poolClass', { parameters: { poolClass: 'other' } }],
    ['parameter x', { mutable_parameters: { x: '' } }],
    ['the volume has other I/O limits', { mutable_parameters: { readOperationsPerSecond: '7' } }],
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
    expect(
      await refused('ValidateVolumeCapabilities', { volume_id: 'none', volume_capabilities: [mountCapability()] }),
    ).toMatch(/^NOT_FOUND/);
  });
});

describe('ControllerModifyVolume', () => {
  test('sets the limits that it names, and no others', async () => {
    const requests = spy('modifyVolume', undefined);
    const request = { volume_id: 'v', mutable_parameters: { writeOperationsPerSecond: '9' } };
    expect(await call('ControllerModifyVolume', request)).toEqual({});
    expect(requests).toEqual([{ id: 'v', ioLimits: { writeOperationsPerSecond: 9 } }]);
  });
  test.each([
    ['FIELD_MISSING: volume_id', { volume_id: '' }],
    ['PARAMETER_UNKNOWN: parameter iops', { mutable_parameters: { iops: '1' } }],
    ['PARAMETER_INVALID: parameter readBytesPerSecond', { mutable_parameters: { readBytesPerSecond: '0' } }],
  ])('INVALID_ARGUMENT %s', async (message, fields) => {
    expect(await refused('ControllerModifyVolume', { volume_id: 'v', ...fields })).toMatch(
      `INVALID_ARGUMENT ${message}`,
    );
  });
});

describe('expansion', () => {
  test('tells the size and whether the node has to act', async () => {
    const { volume_id } = await createVolume();
    const request = { volume_id, capacity_range: { required_bytes: 128 << 20 }, volume_capability: mountCapability() };
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
