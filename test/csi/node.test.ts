import { describe, expect, test } from 'vitest';
import { mountCapability, topology, useWire } from './wire.ts';

const { call, createVolume, refused, service, spy } = useWire();

describe('staging and publishing', () => {
  test('pass on paths, access and read-only', async () => {
    const staged = spy('stageVolume', undefined);
    const published = spy('publishVolume', undefined);
    const request = {
      volume_id: 'v',
      staging_target_path: '/s/',
      volume_capability: mountCapability({ mount_flags: ['rw'] }),
    };
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
    { volume_capability: mountCapability({ mount_flags: ['ro'] }) },
    { volume_capability: { mount: {}, access_mode: { mode: 'SINGLE_NODE_READER_ONLY' } } },
  ])('%j is read-only, whatever the flag says', async (fields) => {
    const published = spy('publishVolume', undefined);
    await call('NodePublishVolume', { volume_id: 'v', staging_target_path: '/s', target_path: '/t', ...fields });
    expect(published).toMatchObject([{ readOnly: true }]);
  });

  test('an option that needs a file system of its own depends on the volume', async () => {
    const { volume_id } = await createVolume({ volume_capabilities: [mountCapability({ fs_type: 'xfs' })] });
    const request = { volume_id, staging_target_path: '/s' };
    const context = 'context="a:b:c:d"';
    expect(
      await call('NodeStageVolume', { ...request, volume_capability: mountCapability({ mount_flags: [context] }) }),
    ).toEqual({});
    expect(
      await refused('NodeStageVolume', {
        ...request,
        volume_capability: mountCapability({ mount_flags: ['commit=5'] }),
      }),
    ).toMatch(/^INVALID_ARGUMENT MOUNT_OPTION_REFUSED: mount option commit is not allowed for xfs/);
    const real = await service().getVolume(volume_id, { deadline: 0, requestId: '' });
    spy('getVolume', { ...real, backend: 'btrfs', content: 'btrfs' });
    expect(
      await refused('NodeStageVolume', { ...request, volume_capability: mountCapability({ mount_flags: [context] }) }),
    ).toMatch(/^INVALID_ARGUMENT MOUNT_OPTION_REFUSED: mount option context /);
  });

  const complete = {
    volume_id: 'v',
    staging_target_path: '/s',
    target_path: '/t',
    volume_capability: mountCapability(),
  };
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
