import { describe, expect, test } from 'vitest';
import { elsewhere, useWire } from './wire.ts';

const { call, createVolume, refused, spy } = useWire();

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
    const created = await call<{ group_snapshot: { group_snapshot_id: string; snapshots: object[] } }>(
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
